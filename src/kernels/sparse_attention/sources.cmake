list(APPEND kernel_sources sparse_attention/sparse_attention_reference.cpp
  sparse_attention/sparse_attention_cpu.cpp
  sparse_attention/sparse_attention_check.cpp
  sparse_attention/attention_tile.cpp)
list(APPEND kernel_tests sparse_attention/sparse_attention_test.cpp)
