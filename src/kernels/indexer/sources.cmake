list(APPEND kernel_sources indexer/indexer_reference.cpp
  indexer/indexer_cpu.cpp indexer/indexer_check.cpp indexer/best_rows.cpp
  indexer/score_tile.cpp)
list(APPEND kernel_tests indexer/indexer_test.cpp)
