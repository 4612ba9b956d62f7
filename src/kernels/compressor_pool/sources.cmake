list(APPEND kernel_sources compressor_pool/compressor_pool_reference.cpp
  compressor_pool/compressor_pool_cpu.cpp
  compressor_pool/compressor_pool_check.cpp compressor_pool/pool_slots.cpp)
list(APPEND kernel_tests compressor_pool/compressor_pool_test.cpp)
