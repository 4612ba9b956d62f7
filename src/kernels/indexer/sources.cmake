list(APPEND kernel_sources indexer/indexer_reference.cpp
  indexer/indexer_cpu.cpp)
