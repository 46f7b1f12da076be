% Prints the golden values of test_metrics.py. Run in this folder: octave-cli golden.m
% Needs the package image (Debian: octave-image).
1;

function picture = read_grey(path)
  picture = imread(path);
  if islogical(picture)  % imread makes one bit of a file that has only black and white
    picture = uint8(picture) * 255;
  end
end

pkg load image
printf("# Octave %s, image %s\n", version(), pkg("list", "image"){1}.version);
predictions = glob("mattes/*_prediction.png");
for k = 1:numel(predictions)
  stem = predictions{k}(1:end - numel("_prediction.png"));
  errors = matting_errors(read_grey(predictions{k}), read_grey([stem "_target.png"]), ...
                          read_grey([stem "_trimap.png"]));
  [~, name] = fileparts(stem);
  printf("\"%s\": (%.9g, %.9g, %.9g, %.9g),\n", name, errors);
end
