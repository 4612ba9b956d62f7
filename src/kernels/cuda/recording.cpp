#include "kernels/cuda/recording.h"

#include <algorithm>
#include <cstring>
#include <unordered_map>
#include <utility>

#include "kernels/cuda/device.h"

namespace hadal::cuda {
namespace {

// One for every number of tokens that decode together, as far as that goes.
constexpr size_t kMostGraphs = 24;
constexpr size_t kArgumentAlignment = 16;

bool same(const dim3& a, const dim3& b) {
  return a.x == b.x && a.y == b.y && a.z == b.z;
}

// Only code that was compiled for 9.0 or later waits for its predecessor
// (wait.cuh): code for older cards that the driver translates for a newer one
// does not, and must not start early there.
bool waits_for_predecessor(const void* kernel) {
  static std::unordered_map<const void*, bool> known;
  const auto [entry, fresh] = known.try_emplace(kernel, false);
  if (fresh) {
    cudaFuncAttributes attributes;
    check(
        cudaFuncGetAttributes(&attributes, kernel),
        "asking for a kernel's attributes");
    entry->second =
        attributes.ptxVersion >= 90 && attributes.binaryVersion >= 90;
  }
  return entry->second;
}

bool starts_early(const LaunchShape& shape, const void* kernel) {
  return shape.start == Start::early && waits_for_predecessor(kernel);
}

}  // namespace

void start_kernel(
    const LaunchShape& shape, const void* kernel, void* const* arguments) {
  cudaLaunchConfig_t config = {};
  config.gridDim = shape.grid;
  config.blockDim = shape.block;
  config.dynamicSmemBytes = shape.shared_bytes;
  config.stream = stream();
  cudaLaunchAttribute early = {};
  early.id = cudaLaunchAttributeProgrammaticStreamSerialization;
  early.val.programmaticStreamSerializationAllowed = 1;
  if (starts_early(shape, kernel)) {
    config.attrs = &early;
    config.numAttrs = 1;
  }
  check(
      cudaLaunchKernelExC(&config, kernel, const_cast<void**>(arguments)),
      "starting a kernel");
}

// --- LaunchList

void LaunchList::add(const LaunchShape& shape, const LaunchArguments& what) {
  const size_t first_byte = bytes_.size();
  const size_t first_argument = offsets_.size();
  for (size_t i = 0; i < what.count; ++i) {
    const size_t at = bytes_.size();
    offsets_.push_back(at);
    const size_t room = (what.sizes[i] + kArgumentAlignment - 1) /
                        kArgumentAlignment * kArgumentAlignment;
    bytes_.resize(at + room);  // zeros between the arguments
    std::memcpy(bytes_.data() + at, what.arguments[i], what.sizes[i]);
  }
  launches_.push_back(
      {what.kernel,
       shape,
       first_argument,
       what.count,
       first_byte,
       bytes_.size() - first_byte});
}

void LaunchList::clear() {
  launches_.clear();
  offsets_.clear();
  bytes_.clear();
}

void** LaunchList::arguments(size_t launch) const {
  const Recorded& one = launches_[launch];
  pointers_.clear();
  for (size_t i = 0; i < one.arguments; ++i)
    pointers_.push_back(const_cast<std::byte*>(
        bytes_.data() + offsets_[one.first_argument + i]));
  return pointers_.data();
}

bool LaunchList::same_kernels(const LaunchList& other) const {
  return std::equal(
      launches_.begin(),
      launches_.end(),
      other.launches_.begin(),
      other.launches_.end(),
      [](const Recorded& a, const Recorded& b) {
        return a.kernel == b.kernel && same(a.shape.block, b.shape.block) &&
               a.shape.start == b.shape.start && a.bytes == b.bytes;
      });
}

bool LaunchList::same_launch(const LaunchList& other, size_t launch) const {
  const Recorded& a = launches_[launch];
  const Recorded& b = other.launches_[launch];
  return same(a.shape.grid, b.shape.grid) &&
         a.shape.shared_bytes == b.shape.shared_bytes && a.bytes == b.bytes &&
         std::memcmp(
             bytes_.data() + a.first_byte,
             other.bytes_.data() + b.first_byte,
             a.bytes) == 0;
}

void LaunchList::start() const {
  for (size_t i = 0; i < size(); ++i)
    start_kernel(shape(i), kernel(i), arguments(i));
}

// --- GraphCache

struct GraphCache::Graph {
  LaunchList list;  // as the graph has it
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t exec = nullptr;
  std::vector<cudaGraphNode_t> nodes;

  explicit Graph(const LaunchList& all) : list(all) {
    check(cudaGraphCreate(&graph, 0), "making a graph");
    for (size_t i = 0; i < list.size(); ++i)
      add(i);
    check(cudaGraphInstantiate(&exec, graph, 0), "instantiating a graph");
  }
  ~Graph() {
    if (exec != nullptr)
      cudaGraphExecDestroy(exec);
    if (graph != nullptr)
      cudaGraphDestroy(graph);
  }
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;

  cudaKernelNodeParams parameters(const LaunchList& from, size_t i) const {
    cudaKernelNodeParams result = {};
    result.func = const_cast<void*>(from.kernel(i));
    result.gridDim = from.shape(i).grid;
    result.blockDim = from.shape(i).block;
    result.sharedMemBytes = from.shape(i).shared_bytes;
    result.kernelParams = from.arguments(i);
    return result;
  }

  // Every launch follows the one before it.
  void add(size_t i) {
    cudaGraphNodeParams node = {};
    node.type = cudaGraphNodeTypeKernel;
    const cudaKernelNodeParams kernel = parameters(list, i);
    node.kernel.func = kernel.func;
    node.kernel.gridDim = kernel.gridDim;
    node.kernel.blockDim = kernel.blockDim;
    node.kernel.sharedMemBytes = kernel.sharedMemBytes;
    node.kernel.kernelParams = kernel.kernelParams;
    cudaGraphEdgeData edge = {};
    if (starts_early(list.shape(i), list.kernel(i))) {
      edge.from_port = cudaGraphKernelNodePortProgrammatic;
      edge.type = cudaGraphDependencyTypeProgrammatic;
    }
    const size_t before = i > 0 ? 1 : 0;
    cudaGraphNode_t made = nullptr;
    check(
        cudaGraphAddNode(
            &made,
            graph,
            before > 0 ? &nodes.back() : nullptr,
            before > 0 ? &edge : nullptr,
            before,
            &node),
        "adding a kernel to a graph");
    nodes.push_back(made);
  }

  void take(const LaunchList& other) {
    for (size_t i = 0; i < other.size(); ++i) {
      if (list.same_launch(other, i))
        continue;
      const cudaKernelNodeParams kernel = parameters(other, i);
      check(
          cudaGraphExecKernelNodeSetParams(exec, nodes[i], &kernel),
          "changing a kernel of a graph");
    }
    list = other;
  }
};

GraphCache::GraphCache() = default;
GraphCache::~GraphCache() = default;

bool GraphCache::start(const LaunchList& list) {
  if (list.empty())
    return true;
  auto found = std::find_if(
      graphs_.begin(), graphs_.end(), [&](const std::unique_ptr<Graph>& one) {
        return one->list.same_kernels(list);
      });
  if (found == graphs_.end()) {
    if (!candidate_.same_kernels(list)) {
      candidate_ = list;
      return false;
    }
    if (graphs_.size() >= kMostGraphs)
      graphs_.pop_back();
    graphs_.push_back(std::make_unique<Graph>(list));
    found = std::prev(graphs_.end());
  } else {
    (*found)->take(list);
  }
  std::rotate(graphs_.begin(), found, std::next(found));
  check(cudaGraphLaunch(graphs_.front()->exec, stream()), "starting a graph");
  return true;
}

}  // namespace hadal::cuda
