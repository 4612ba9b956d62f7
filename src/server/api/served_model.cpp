// Time and chance of the running system.
#include "server/api/served_model.h"

#include <chrono>
#include <random>

namespace hadal {
namespace {

std::mt19937_64& generator() {
  static thread_local std::mt19937_64 engine = [] {
    std::random_device device;
    std::seed_seq seed{device(), device(), device(), device()};
    return std::mt19937_64(seed);
  }();
  return engine;
}

std::string random_id(std::string_view prefix) {
  constexpr std::string_view kLetters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  constexpr int kRandomCharacters = 24;
  std::uniform_int_distribution<size_t> letter(0, kLetters.size() - 1);
  std::string id(prefix);
  for (int i = 0; i < kRandomCharacters; ++i)
    id += kLetters[letter(generator())];
  return id;
}

}  // namespace

ApiSources ApiSources::system() {
  ApiSources sources;
  sources.unix_seconds = [] {
    using std::chrono::system_clock;
    return static_cast<int64_t>(system_clock::to_time_t(system_clock::now()));
  };
  sources.make_id = random_id;
  sources.make_seed = [] { return generator()(); };
  return sources;
}

}  // namespace hadal
