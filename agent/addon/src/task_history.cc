#include "task_history.h"

#include <algorithm>
#include <utility>

namespace bunsen {

namespace {

// A process may set as many names as it likes.
constexpr size_t kMaxComms = 64;
constexpr size_t kMaxImages = 8;
constexpr size_t kMaxMappingsOfImage = 4096;

}  // namespace

bool TaskImage::hasComm(std::string_view comm) const {
  return std::find(comms.begin(), comms.end(), comm) != comms.end();
}

TaskHistory::Task* TaskHistory::latest(uint32_t pid) {
  auto after = tasks_.lower_bound({pid + 1, 0});
  if (after == tasks_.begin() || std::prev(after)->first.first != pid) return nullptr;
  return &std::prev(after)->second;
}

TaskHistory::Task& TaskHistory::latestOrNew(uint32_t pid) {
  Task* known = latest(pid);
  return known ? *known : tasks_[{pid, 0}];
}

void TaskHistory::add(TaskEvent event) {
  if (event.kind == TaskEvent::kFork) return fork(event);
  if (event.kind == TaskEvent::kMap || event.kind == TaskEvent::kName) changed_.insert(event.pid);
  Task* known = latest(event.pid);
  // Of a process that was there before, only an exec begins something that is known as a whole.
  if (!known && event.kind != TaskEvent::kExec) return;
  Task& task = latestOrNew(event.pid);
  task.last_event_ns = event.time_ns;
  if (event.kind == TaskEvent::kExec) {
    if (task.images.size() == kMaxImages) {
      mappings_ -= task.images.front().mappings.size();
      task.images.erase(task.images.begin());
    }
    TaskImage image;
    image.comms.push_back(std::move(event.comm));
    image.parent = task.images.empty() ? 0 : task.images.back().parent;
    task.images.push_back(std::move(image));
  } else if (event.kind == TaskEvent::kName) {
    std::vector<std::string>& comms = task.images.back().comms;
    if (!task.images.back().hasComm(event.comm) && comms.size() < kMaxComms)
      comms.push_back(std::move(event.comm));
  } else if (event.kind == TaskEvent::kMap) {
    map(&task.images.back(), std::move(event.mapping));
  }
}

void TaskHistory::fork(const TaskEvent& event) {
  Task task;
  task.last_event_ns = event.time_ns;
  const Task* parent = latest(event.parent);
  TaskImage image;
  if (parent)
    image = parent->images.back();
  else
    image.is_parents = true;
  image.parent = event.parent;
  mappings_ += image.mappings.size();
  task.images.push_back(std::move(image));
  tasks_[{event.pid, event.time_ns}] = std::move(task);
}

void TaskHistory::map(TaskImage* image, Mapping mapping) {
  if (image->executable.empty()) image->executable = mapping.path;
  std::vector<Mapping>& mappings = image->mappings;
  mappings_ -= mappings.size();
  // What is mapped over another mapping takes its place.
  mappings.erase(std::remove_if(mappings.begin(), mappings.end(),
                                [&mapping](const Mapping& other) {
                                  return other.start < mapping.end && mapping.start < other.end;
                                }),
                 mappings.end());
  if (mappings.size() < kMaxMappingsOfImage) {
    auto place = std::lower_bound(
        mappings.begin(), mappings.end(), mapping,
        [](const Mapping& left, const Mapping& right) { return left.start < right.start; });
    mappings.insert(place, std::move(mapping));
  }
  mappings_ += mappings.size();
}

const TaskImage* TaskHistory::find(uint32_t pid, uint64_t start_boottime_ns,
                                   std::string_view comm) const {
  auto task = tasks_.lower_bound({pid, start_boottime_ns});
  if (task == tasks_.end() || task->first.first != pid) {
    task = tasks_.find({pid, 0});
    if (task == tasks_.end()) return nullptr;
  }
  const std::vector<TaskImage>& images = task->second.images;
  for (auto image = images.rbegin(); image != images.rend(); ++image)
    if (image->hasComm(comm)) return &*image;
  // A name that nobody has announced: that of the unknown parent, until an exec changes it.
  return images.front().comms.empty() ? &images.front() : &images.back();
}

std::unordered_set<uint32_t> TaskHistory::takeChanged() { return std::exchange(changed_, {}); }

std::map<TaskHistory::Id, TaskHistory::Task>::iterator TaskHistory::erase(
    std::map<Id, Task>::iterator task) {
  for (const TaskImage& image : task->second.images) mappings_ -= image.mappings.size();
  return tasks_.erase(task);
}

void TaskHistory::forget(uint64_t now_ns) {
  for (auto task = tasks_.begin(); task != tasks_.end();)
    task = task->second.last_event_ns + kKeptNs < now_ns ? erase(task) : std::next(task);
  while (mappings_ > kMaxMappings)
    erase(std::min_element(tasks_.begin(), tasks_.end(), [](const auto& left, const auto& right) {
      return left.second.last_event_ns < right.second.last_event_ns;
    }));
}

}  // namespace bunsen
