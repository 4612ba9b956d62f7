list(APPEND kernel_sources sparse_attention/sparse_attention_reference.cpp
  sparse_attention/sparse_attention_cpu.cpp
  sparse_attention/sparse_attention_check.cpp
  sparse_attention/attention_token.cpp
  sparse_attention/attention_queries.cpp
  sparse_attention/attention_rows.cpp
  sparse_attention/attention_products.cpp
  sparse_attention/attention_weights.cpp)
list(APPEND kernel_tests sparse_attention/sparse_attention_test.cpp)
list(APPEND kernel_benches sparse_attention)
