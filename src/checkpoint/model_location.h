// Which directory a model's name means.
#pragma once

#include <filesystem>
#include <string_view>

namespace hadal {

// The directory that holds config.json and the shards of `name`:
//
//   a path      the directory itself
//   org/name    the snapshot of branch main in the Hugging Face cache on disk
//               (HF_HUB_CACHE, else HF_HOME/hub, else XDG_CACHE_HOME or
//               ~/.cache, then huggingface/hub), unless such a directory exists
//   ""          HADAL_MODEL, read as above; else the bundled nano model
//
// Throws Error(not_found) that says where it looked and which command downloads
// the model. Looks at names only: what the directory holds is not checked.
std::filesystem::path find_model(std::string_view name);

// The bundled nano model: beside the program, in the source tree it was built
// from, or in share/hadal of the prefix it was installed to.
std::filesystem::path bundled_model();

}  // namespace hadal
