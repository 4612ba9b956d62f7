list(APPEND kernel_sources codecs/affine.cpp
  codecs/affine_encode.cpp codecs/affine_group.cpp
  codecs/decode_row.cpp codecs/dequantize.cpp
  codecs/mx_encode.cpp
  codecs/number_formats.cpp codecs/row_codec.cpp)
list(APPEND kernel_tests codecs/affine_test.cpp
  codecs/affine_encode_test.cpp codecs/affine_feedback_test.cpp
  codecs/decode_row_test.cpp
  codecs/dequantize_test.cpp
  codecs/mx_encode_test.cpp
  codecs/number_formats_test.cpp codecs/row_codec_test.cpp)
