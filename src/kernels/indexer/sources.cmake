list(APPEND kernel_sources indexer/indexer_reference.cpp indexer/indexer_cpu.cpp
  indexer/indexer_check.cpp indexer/best_rows.cpp indexer/score_tile.cpp
  indexer/code_rows.cpp indexer/code_queries.cpp indexer/score_codes.cpp)
list(APPEND kernel_tests indexer/indexer_test.cpp)
list(APPEND kernel_benches indexer)
