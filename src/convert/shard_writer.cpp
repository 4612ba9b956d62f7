#include "convert/shard_writer.h"

#include <algorithm>

#include "base/check.h"
#include "convert/ordered_work.h"
#include "hadal/error.h"

namespace hadal {
namespace {

// Large enough that a job's fixed costs vanish, small enough for the memory
// bound with many threads.
constexpr int64_t kJobBytes = 4 << 20;
constexpr int kMaxWorkers = 48;
constexpr int kJobsAhead = 6;

}  // namespace

ShardWriter::ShardWriter(
    const LoadedModel& model,
    const ConvertPlan& plan,
    const ConvertOptions& options,
    Journal& journal)
    : plan_(plan),
      options_(options),
      journal_(journal),
      weights_(source_tensors(model), options.importance),
      pages_(model.storage->files()) {}

uint64_t ShardWriter::write(const std::vector<bool>& wanted) {
  std::vector<RowJob> jobs = make_jobs(plan_, kJobBytes);
  std::erase_if(jobs, [&](const RowJob& job) {
    return !wanted[plan_.modules[job.module].parts.front().shard];
  });
  for (size_t i = 0; i < wanted.size(); ++i)
    done_ += wanted[i] ? 0 : plan_.shards[i].bytes;
  const int workers = std::clamp(options_.threads, 1, kMaxWorkers);
  std::vector<RowEncoder> encoders(
      static_cast<size_t>(workers), RowEncoder({options_.rule, &weights_}));
  work_in_order<EncodedRows>(
      jobs.size(),
      workers,
      kJobsAhead,
      [&](size_t index, int worker, EncodedRows& rows) {
        const RowJob& job = jobs[index];
        const PlannedModule& module = plan_.modules[job.module];
        pages_.read(module.source, job);
        encoders[static_cast<size_t>(worker)].encode(module, job, rows);
        ShardFile& file = file_of(module.parts.front().shard);
        for (size_t part = 0; part < module.parts.size(); ++part)
          file.write(
              module.parts[part].offset + job.offsets[part], rows.parts[part]);
      },
      [&](size_t index, const EncodedRows& rows) {
        if (options_.stop.stop_requested())
          throw Error(ErrorCode::cancelled, "stopped");
        const RowJob& job = jobs[index];
        const uint32_t shard = plan_.modules[job.module].parts.front().shard;
        if (shard_ != shard) {
          finish_shard();
          shard_ = shard;
        }
        if (hashers_.empty() || module_ != job.module)
          begin_module(job.module);
        take(job, rows);
      });
  finish_shard();
  return wrote_;
}

void ShardWriter::take(const RowJob& job, const EncodedRows& rows) {
  const PlannedModule& module = plan_.modules[job.module];
  for (size_t part = 0; part < module.parts.size(); ++part) {
    const std::span<const std::byte> bytes = rows.parts[part];
    hashers_[part].update(bytes);
    HADAL_CHECK(progress_[part] == job.offsets[part]);
    progress_[part] += bytes.size();
    done_ += bytes.size();
    wrote_ += bytes.size();
  }
  pages_.release(module.source, job);
  if (options_.on_progress)
    options_.on_progress(done_, plan_.bytes, module.name);
}

ShardFile& ShardWriter::file_of(uint32_t shard) {
  const std::lock_guard lock(files_mutex_);
  std::unique_ptr<ShardFile>& file = files_[shard];
  if (file == nullptr) {
    const PlannedShard& planned = plan_.shards[shard];
    file = std::make_unique<ShardFile>(
        options_.destination / planned.file, planned.bytes);
    file->write(0, std::as_bytes(std::span(planned.header)));
  }
  return *file;
}

void ShardWriter::finish_shard() {
  finish_module();
  if (!shard_)
    return;
  file_of(*shard_).commit();
  {
    const std::lock_guard lock(files_mutex_);
    files_.erase(*shard_);
  }
  const PlannedShard& planned = plan_.shards[*shard_];
  done_ += planned.header.size();
  wrote_ += planned.header.size();
  FinishedShard finished{planned.bytes, {}};
  for (const TensorDeclaration& tensor : planned.tensors)
    finished.hashes.push_back(hashes_.at(tensor.name));
  journal_.add(planned.file, std::move(finished));
  hashes_.clear();
  shard_.reset();
}

void ShardWriter::begin_module(size_t module) {
  finish_module();
  module_ = module;
  const size_t parts = plan_.modules[module].parts.size();
  hashers_.resize(parts);
  progress_.assign(parts, 0);
}

void ShardWriter::finish_module() {
  const PlannedModule& module = plan_.modules[module_];
  for (size_t part = 0; part < hashers_.size(); ++part) {
    const TensorDeclaration& tensor = module.parts[part].declaration;
    HADAL_CHECK(progress_[part] == tensor.bytes());
    hashes_.insert_or_assign(tensor.name, hex(hashers_[part].digest()));
  }
  hashers_.clear();
}

}  // namespace hadal
