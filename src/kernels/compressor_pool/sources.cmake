list(APPEND kernel_sources compressor_pool/compressor_pool_reference.cpp
  compressor_pool/compressor_pool_cpu.cpp)
