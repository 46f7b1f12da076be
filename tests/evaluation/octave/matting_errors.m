% SAD, MSE, Grad and Conn of an 8-bit matte against an 8-bit truth, on the unknown region (128) of
% an 8-bit trimap. Written from the published definitions, one plain step after another, with
% Octave's own image functions, to check the Python code against an independent tool.
function errors = matting_errors(prediction, target, trimap)
  prediction(trimap == 0) = 0;
  prediction(trimap == 255) = 255;
  unknown = trimap == 128;
  p = single(prediction) / 255;
  g = single(target) / 255;
  errors = [sum(double(abs(p(unknown) - g(unknown)))) / 1000, ...
            mean(double(p(unknown) - g(unknown)) .^ 2), ...
            gradient_error(prediction, target, unknown), ...
            connectivity_error(p, g, unknown)];
end

function value = gradient_error(prediction, target, unknown)
  sigma = 1.4;
  half = ceil(sigma * sqrt(-2 * log(sqrt(2 * pi) * sigma * 0.01)));
  gauss = @(x) exp(-x .^ 2 / (2 * sigma ^ 2)) / (sigma * sqrt(2 * pi));
  slope = @(x) -x .* gauss(x) / sigma ^ 2;
  [column, row] = meshgrid(-half:half, -half:half);
  across = gauss(row) .* slope(column);
  across = across / sqrt(sum(across(:) .^ 2));
  down = across';
  amplitude = cell(1, 2);
  mattes = {prediction, target};
  for k = 1:2
    stretched = mat2gray(double(mattes{k}));
    amplitude{k} = sqrt(imfilter(stretched, across, 'replicate', 'conv') .^ 2 ...
                        + imfilter(stretched, down, 'replicate', 'conv') .^ 2);
  end
  difference = (amplitude{1} - amplitude{2}) .^ 2;
  value = sum(difference(unknown)) / 1000;
end

function value = connectivity_error(p, g, unknown)
  thresholds = single(0:0.1:1);
  last = -ones(size(p), 'single');
  for k = 2:numel(thresholds)
    components = bwconncomp(p >= thresholds(k) & g >= thresholds(k), 4);
    largest = false(size(p));
    if components.NumObjects > 0
      [~, which] = max(cellfun(@numel, components.PixelIdxList));
      largest(components.PixelIdxList{which}) = true;
    end
    last(last == -1 & ~largest) = thresholds(k - 1);
  end
  last(last == -1) = 1;
  value = sum(double(abs(phi(p, last) - phi(g, last)))(unknown)) / 1000;
end

function value = phi(matte, last)
  distance = matte - last;
  value = 1 - distance .* single(distance >= single(0.15));
end
