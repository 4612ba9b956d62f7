list(APPEND kernel_sources codecs/affine.cpp codecs/dequantize.cpp
  codecs/number_formats.cpp codecs/row_codec.cpp)
list(APPEND kernel_tests codecs/affine_test.cpp codecs/dequantize_test.cpp
  codecs/number_formats_test.cpp codecs/row_codec_test.cpp)
