# The server, and the worker of batches: lsamatting on ONNX Runtime. docs/containers.md tells more.
#
#     docker build -t lsamatting .
#     docker run --rm -p 127.0.0.1:8765:8765 lsamatting
#     docker run --rm -v "$PWD:/work" lsamatting matte photo.jpg trimap.png -o alpha.png

FROM python:3.12.8-slim-bookworm AS build
WORKDIR /source
COPY pyproject.toml README.md LICENSE docker/constraints.txt ./
COPY src ./src
# Without pip, the libraries' own tests, and those tools of ONNX Runtime that write models.
RUN python -m venv --without-pip /opt/lsamatting \
    && python -m pip --python /opt/lsamatting/bin/python install --no-cache-dir \
        --constraint constraints.txt ".[serve]" \
    && find /opt/lsamatting -type d -name tests -prune -exec rm -rf {} + \
    && rm -rf /opt/lsamatting/lib/python3.12/site-packages/onnxruntime/transformers \
        /opt/lsamatting/lib/python3.12/site-packages/onnxruntime/tools \
        /opt/lsamatting/lib/python3.12/site-packages/onnxruntime/quantization \
        /opt/lsamatting/lib/python3.12/site-packages/onnxruntime/datasets

FROM python:3.12.8-slim-bookworm
RUN useradd --uid 10001 --create-home matting
COPY --from=build /opt/lsamatting /opt/lsamatting
ENV PATH=/opt/lsamatting/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    OMP_WAIT_POLICY=PASSIVE
USER 10001
WORKDIR /work
EXPOSE 8765
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8765/health', timeout=4)"]
ENTRYPOINT ["lsamatting"]
CMD ["serve", "--host", "0.0.0.0", "--no-open"]
