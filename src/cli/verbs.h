// The verbs of the program: one file each.
#pragma once

#include <functional>

namespace CLI {
class App;
}

namespace hadal::cli {

// What a verb does once its flags are read. Returns the exit status; throws
// Error or UsageError.
using Run = std::function<int()>;

// Each adds its flags and its help to `app`, the verb's own parser. The state
// that the flags write to lives in the returned function.
Run add_generate(CLI::App& app);
Run add_chat(CLI::App& app);
Run add_serve(CLI::App& app);
Run add_inspect(CLI::App& app);
Run add_verify(CLI::App& app);
Run add_tokenize(CLI::App& app);
Run add_bench(CLI::App& app);
Run add_bench_serve(CLI::App& app);  // under bench
Run add_doctor(CLI::App& app);
Run add_convert(CLI::App& app);
Run add_eval(CLI::App& app);
// `program` is the parser of the whole program, whose verbs it prints.
Run add_completion(CLI::App& app, CLI::App& program);

}  // namespace hadal::cli
