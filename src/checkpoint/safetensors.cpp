#include "checkpoint/safetensors.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>

#include "checkpoint/quote.h"
#include "hadal/error.h"

namespace hadal {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kAdvice =
    "the file is damaged or incomplete, fetch or convert it again";

[[noreturn]] void fail(std::string_view source, const std::string& what) {
  throw Error(
      ErrorCode::corrupt, fmt::format("{}: {}; {}", source, what, kAdvice));
}

// Builds the tensor list while the header is parsed, without a JSON tree: a
// checkpoint has up to 145,000 entries and start-up waits for them.
class HeaderHandler : public nlohmann::json_sax<Json> {
 public:
  explicit HeaderHandler(SafetensorsContents& out) : out_(out) {}

  const std::string& problem() const { return problem_; }

  bool start_object(size_t) override {
    switch (place_) {
      case Place::outside:
        place_ = Place::names;
        return true;
      case Place::names:
        if (key_ == "__metadata__") {
          if (metadata_seen_)
            return reject("__metadata__ stands there twice");
          metadata_seen_ = true;
          place_ = Place::metadata;
          return true;
        }
        tensor_ = StoredTensor{};
        tensor_.name = std::move(key_);
        seen_ = 0;
        place_ = Place::tensor;
        return true;
      default:
        return unexpected("an object");
    }
  }

  bool end_object() override {
    if (place_ == Place::tensor) {
      if (seen_ != (kDtype | kShape | kOffsets))
        return reject(
            in_quotes(tensor_.name) +
            " needs a dtype, a shape and data_offsets, each once");
      out_.tensors.push_back(std::move(tensor_));
      place_ = Place::names;
    } else if (place_ == Place::metadata) {
      place_ = Place::names;
    } else {
      place_ = Place::outside;
    }
    return true;
  }

  bool key(std::string& text) override {
    if (place_ != Place::tensor) {
      key_ = std::move(text);
      return true;
    }
    field_ = text == "dtype"          ? kDtype
             : text == "shape"        ? kShape
             : text == "data_offsets" ? kOffsets
                                      : 0U;
    if (field_ == 0)
      return reject(
          fmt::format("{} has the unknown field {}", where(), in_quotes(text)));
    if ((seen_ & field_) != 0)
      return reject(fmt::format("{} has the field {} twice", where(), text));
    return true;
  }

  bool string(std::string& text) override {
    if (place_ == Place::metadata) {
      out_.metadata.emplace_back(std::move(key_), std::move(text));
      return true;
    }
    if (place_ != Place::tensor || field_ != kDtype)
      return unexpected("a string");
    const std::optional<Dtype> dtype = parse_dtype(text);
    if (!dtype)
      return reject(
          fmt::format("{} has the unknown dtype {}", where(), in_quotes(text)));
    tensor_.dtype = *dtype;
    seen_ |= kDtype;
    return true;
  }

  bool start_array(size_t) override {
    if (place_ != Place::tensor || (field_ != kShape && field_ != kOffsets))
      return unexpected("an array");
    place_ = field_ == kShape ? Place::shape : Place::offsets;
    offset_count_ = 0;
    return true;
  }

  bool end_array() override {
    if (place_ == Place::offsets) {
      if (offset_count_ != 2)
        return reject(where() + ": data_offsets must be [begin, end]");
      if (offsets_[0] > offsets_[1])
        return reject(fmt::format(
            "{}: data_offsets [{}, {}] run backwards",
            where(),
            offsets_[0],
            offsets_[1]));
      tensor_.begin = offsets_[0];
      tensor_.bytes = offsets_[1] - offsets_[0];
    }
    seen_ |= field_;
    place_ = Place::tensor;
    return true;
  }

  bool number_unsigned(Json::number_unsigned_t value) override {
    if (place_ == Place::offsets) {
      if (offset_count_ == 2)
        return reject(where() + ": data_offsets must be [begin, end]");
      offsets_[offset_count_++] = value;
      return true;
    }
    if (place_ != Place::shape)
      return unexpected("a number");
    if (value > static_cast<uint64_t>(INT64_MAX))
      return reject(
          fmt::format("{}: the extent {} is too large", where(), value));
    if (tensor_.shape.rank() == kMaxTensorRank)
      return reject(fmt::format(
          "{} has more than {} dimensions", where(), kMaxTensorRank));
    tensor_.shape.push_back(static_cast<int64_t>(value));
    return true;
  }

  bool number_integer(Json::number_integer_t) override {
    return unexpected("a negative number");
  }
  bool number_float(Json::number_float_t, const std::string&) override {
    return unexpected("a number that is not whole");
  }
  bool null() override { return unexpected("null"); }
  bool boolean(bool) override { return unexpected("a truth value"); }
  bool binary(Json::binary_t&) override { return unexpected("binary data"); }
  bool parse_error(
      size_t position,
      const std::string&,
      const nlohmann::detail::exception&) override {
    return reject(fmt::format("no valid JSON at its byte {}", position));
  }

 private:
  enum class Place { outside, names, metadata, tensor, shape, offsets };
  static constexpr unsigned kDtype = 1;
  static constexpr unsigned kShape = 2;
  static constexpr unsigned kOffsets = 4;

  std::string where() const {
    switch (place_) {
      case Place::outside:
        return "the header";
      case Place::names:
        return in_quotes(key_);
      case Place::metadata:
        return "__metadata__ " + in_quotes(key_);
      default:
        return in_quotes(tensor_.name);
    }
  }
  bool reject(std::string problem) {
    problem_ = std::move(problem);
    return false;
  }
  bool unexpected(std::string_view what) {
    return reject(fmt::format("{}: {} is out of place here", where(), what));
  }

  SafetensorsContents& out_;
  std::string problem_;
  Place place_ = Place::outside;
  std::string key_;
  StoredTensor tensor_;
  unsigned field_ = 0;
  unsigned seen_ = 0;
  bool metadata_seen_ = false;
  uint64_t offsets_[2] = {};
  int offset_count_ = 0;
};

uint64_t header_length(
    std::span<const std::byte> file, std::string_view source) {
  uint64_t length = 0;
  if (file.size() < sizeof length)
    fail(
        source,
        fmt::format(
            "{} bytes are too few for a safetensors file", file.size()));
  static_assert(std::endian::native == std::endian::little);
  std::memcpy(&length, file.data(), sizeof length);
  if (length >= kSafetensorsHeaderLimitBytes)
    fail(
        source,
        fmt::format(
            "the header would have {} bytes, the limit is {}",
            length,
            kSafetensorsHeaderLimitBytes));
  if (length > file.size() - sizeof length)
    fail(
        source,
        fmt::format(
            "the header has {} bytes, but the file only {}",
            length,
            file.size()));
  return length;
}

void check_size(const StoredTensor& tensor, std::string_view source) {
  const std::optional<int64_t> elements = tensor.shape.elements();
  int64_t size_bits = 0;
  if (!elements ||
      __builtin_mul_overflow(
          *elements, int64_t{bits(tensor.dtype)}, &size_bits) ||
      size_bits % 8 != 0 ||
      static_cast<uint64_t>(size_bits / 8) != tensor.bytes)
    fail(
        source,
        fmt::format(
            "tensor {}: {} bytes do not hold {} of shape {}",
            in_quotes(tensor.name),
            tensor.bytes,
            name(tensor.dtype),
            tensor.shape.text()));
}

// Every byte of the data part belongs to exactly one tensor.
void place_tensors(
    SafetensorsContents& contents,
    std::span<const std::byte> data,
    std::string_view source) {
  std::ranges::sort(
      contents.tensors, [](const StoredTensor& a, const StoredTensor& b) {
        return std::pair(a.begin, a.bytes) < std::pair(b.begin, b.bytes);
      });
  uint64_t next = 0;
  for (StoredTensor& tensor : contents.tensors) {
    if (tensor.begin != next)
      fail(
          source,
          fmt::format(
              "tensor {} begins at offset {}, expected {} ({})",
              in_quotes(tensor.name),
              tensor.begin,
              next,
              tensor.begin < next ? "tensors overlap" : "a hole"));
    check_size(tensor, source);
    if (tensor.bytes > data.size() - next)
      fail(
          source,
          fmt::format(
              "tensor {} ends at offset {}, but the file holds only {} bytes "
              "of data",
              in_quotes(tensor.name),
              tensor.begin + tensor.bytes,
              data.size()));
    tensor.data = data.data() + next;
    next += tensor.bytes;
  }
  if (next != data.size())
    fail(
        source,
        fmt::format(
            "{} bytes follow the last tensor, expected none",
            data.size() - next));
}

}  // namespace

SafetensorsContents parse_safetensors(
    std::span<const std::byte> file, std::string_view source) {
  const uint64_t length = header_length(file, source);
  const auto* header = reinterpret_cast<const char*>(file.data()) + 8;
  SafetensorsContents contents;
  // About 100 bytes of JSON a tensor; growing the vector would move them all.
  contents.tensors.reserve(length / 96);
  HeaderHandler handler(contents);
  if (length == 0 || *header != '{')
    fail(source, "the header does not begin with {");
  if (!Json::sax_parse(header, header + length, &handler))
    fail(source, "header: " + handler.problem());

  place_tensors(contents, file.subspan(8 + length), source);
  contents.by_name.reserve(contents.tensors.size());
  for (uint32_t i = 0; i < contents.tensors.size(); ++i)
    if (!contents.by_name.emplace(contents.tensors[i].name, i).second)
      fail(
          source,
          "header: the name " + in_quotes(contents.tensors[i].name) +
              " stands there twice");
  return contents;
}

SafetensorsFile::SafetensorsFile(const std::filesystem::path& path)
    : file_(path), contents_(parse_safetensors(file_.bytes(), path.string())) {}

const StoredTensor* SafetensorsFile::find(std::string_view name) const {
  const auto found = contents_.by_name.find(name);
  return found == contents_.by_name.end() ? nullptr
                                          : &contents_.tensors[found->second];
}

const StoredTensor& SafetensorsFile::at(std::string_view name) const {
  const StoredTensor* tensor = find(name);
  if (tensor == nullptr)
    throw Error(
        ErrorCode::not_found,
        fmt::format("{}: no tensor {}", path().string(), in_quotes(name)));
  return *tensor;
}

}  // namespace hadal
