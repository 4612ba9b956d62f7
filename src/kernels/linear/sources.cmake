list(APPEND kernel_sources linear/activation_codes.cpp linear/bf16_dot.cpp
  linear/float_input.cpp
  linear/integer_input.cpp linear/integer_panels.cpp linear/integer_rows.cpp
  linear/linear_check.cpp
  linear/linear_cpu.cpp
  linear/linear_reference.cpp linear/product.cpp linear/product_bf16.cpp
  linear/product_float.cpp
  linear/product_integer.cpp linear/weight_scales.cpp)
list(APPEND kernel_tests linear/float_product_test.cpp
  linear/linear_test.cpp)
list(APPEND kernel_benches linear)
