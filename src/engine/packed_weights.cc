#include "engine/packed_weights.h"

#include <sys/mman.h>

#include <cstring>

#include "base/file_writer.h"
#include "media/hash.h"

namespace melete {
namespace {

namespace fs = std::filesystem;

constexpr std::array<char, 8> kPackedMagic = {'M', 'E', 'L', 'E', 'T', 'E', 'P', 'W'};
constexpr uint32_t kFormatVersion = 1, kPackedFileVersion = kFormatVersion << 16 | kPackedVersion;
constexpr uint32_t kMark = ~uint32_t{0};  // an entry's kind
constexpr size_t kMaxKey = size_t{1} << 20, kLine = 64, kPiece = size_t{2} << 20;

static_assert(sizeof(PackedHeader) == 48 && sizeof(PackedEntry) == 56);

constexpr uint64_t rounded_up(uint64_t size, uint64_t to) { return (size + to - 1) / to * to; }

std::array<uint8_t, 16> text_hash(std::string_view text) {
  return hash_bytes(std::span(reinterpret_cast<const uint8_t*>(text.data()), text.size()), 0);
}

Error damaged(const fs::path& file, std::string_view what) {
  return corrupt("[", file.string(), "] must be a whole file of packed weights, got ", what, "; remove it");
}

// Whether an entry stands for a mark, or for a form within the file.
bool is_sound(const PackedEntry& entry, uint64_t data_begin, uint64_t file_bytes) {
  if (entry.kind == kMark) return entry.bytes == 0;
  const int64_t bytes = packed_form_bytes(static_cast<PackedKind>(entry.kind), entry.out, entry.in);
  return bytes > 0 && entry.bytes == static_cast<uint64_t>(bytes) && entry.offset % kLine == 0 &&
         entry.offset >= data_begin && entry.offset <= file_bytes && entry.bytes <= file_bytes - entry.offset;
}

uint64_t begin_of_data(uint64_t key_bytes, uint64_t num_entries) {
  return rounded_up(rounded_up(sizeof(PackedHeader) + key_bytes, kLine) + num_entries * sizeof(PackedEntry),
                    kPackedAlignment);
}

// Collects what is written into large pieces at multiples of their size: file systems give those large pages.
class PieceWriter {
 public:
  PieceWriter(FileWriter& file, int64_t total, const std::function<bool(int64_t)>& goes_on)
      : file_(file), left_(total), goes_on_(goes_on) {
    piece_.reserve(kPiece);
  }
  Status put(std::string_view bytes) {
    while (!bytes.empty()) {
      const size_t count = std::min(bytes.size(), kPiece - piece_.size());
      piece_.append(bytes.substr(0, count));
      bytes.remove_prefix(count);
      if (piece_.size() == kPiece) MELETE_RETURN_IF_ERROR(flush());
    }
    return ok_status();
  }
  Status flush() {
    if (!goes_on_(left_)) return cancelled("[packed weights] must still be wanted, got a stop; start again");
    left_ -= static_cast<int64_t>(piece_.size());
    const Status written = file_.write(piece_);
    piece_.clear();
    return written;
  }

 private:
  FileWriter& file_;
  int64_t left_;
  const std::function<bool(int64_t)>& goes_on_;
  std::string piece_;
};

}  // namespace

// The key and the entries, each sound.
Result<std::string> PackedWeights::read(const MappedFile& file, std::vector<PackedEntry>& entries) {
  const std::string_view bytes = file.bytes();
  PackedHeader header;
  if (bytes.size() < sizeof header) return damaged(file.path(), "a cut one");
  std::memcpy(&header, bytes.data(), sizeof header);
  if (header.magic != kPackedMagic) return damaged(file.path(), "something else");
  if (header.version != kPackedFileVersion)
    return invalid_argument("[", file.path().string(), "] must be of this version, got another; remove it");
  if (header.file_bytes != bytes.size() || header.key_bytes > kMaxKey ||
      header.num_entries > bytes.size() / sizeof(PackedEntry))
    return damaged(file.path(), "a cut one");
  const uint64_t table = rounded_up(sizeof header + header.key_bytes, kLine),
                 data = begin_of_data(header.key_bytes, header.num_entries);
  if (data > bytes.size()) return damaged(file.path(), "a cut one");
  std::string head(bytes.substr(0, data));
  std::memset(head.data() + offsetof(PackedHeader, checksum), 0, sizeof header.checksum);
  if (text_hash(head) != header.checksum) return damaged(file.path(), "a changed one");
  entries.resize(header.num_entries);
  std::memcpy(entries.data(), bytes.data() + table, entries.size() * sizeof(PackedEntry));
  for (const PackedEntry& entry : entries)
    if (!is_sound(entry, data, bytes.size())) return damaged(file.path(), "an entry that can't be");
  return head.substr(sizeof header, header.key_bytes);
}

Result<std::string> PackedWeights::key_of(const fs::path& file) {
  MELETE_ASSIGN_OR_RETURN(const auto mapped, MappedFile::open(file));
  std::vector<PackedEntry> entries;
  return read(*mapped, entries);
}

Result<PackedWeights> PackedWeights::open(const fs::path& file, std::string key) {
  MELETE_ASSIGN_OR_RETURN(const auto mapped, MappedFile::open(file));
  if (!mapped->is_private())
    return invalid_argument("[", file.string(), "] must be a file that its user alone can write; remove it");
  std::vector<PackedEntry> entries;
  MELETE_ASSIGN_OR_RETURN(const std::string stored, read(*mapped, entries));
  if (stored != key) return invalid_argument("[", file.string(), "] must be of this model, got another's");
  const std::string_view bytes = mapped->bytes();
  // Only advice: large pages, and large reads where the file isn't in memory.
  ::madvise(const_cast<char*>(bytes.data()), bytes.size(), MADV_HUGEPAGE);
  Result<PackedWeights> result{PackedWeights(std::move(key))};
  for (const PackedEntry& entry : entries) {
    PackedForm form;
    if (entry.kind != kMark)
      form = {static_cast<PackedKind>(entry.kind),
              entry.out,
              entry.in,
              {mapped, reinterpret_cast<const std::byte*>(bytes.data()) + entry.offset}};
    result->put(entry.label, std::move(form));
  }
  return result;
}

void PackedWeights::put(const Label& label, PackedForm form) {
  const auto [found, is_new] = index_.try_emplace(label, weights_.size());
  if (is_new)
    weights_.push_back({label, std::move(form)});
  else
    weights_[found->second].form = std::move(form);
}

const PackedForm* PackedWeights::find(std::string_view label) {
  const auto found = index_.find(text_hash(label));
  if (found == index_.end() || weights_[found->second].form.bytes == nullptr) return nullptr;
  ++num_found_;
  return &weights_[found->second].form;
}

void PackedWeights::add(std::string_view label, PackedForm form) {
  put(text_hash(label), std::move(form));
  has_new_ = true;
}

bool PackedWeights::has_mark(std::string_view label) const { return index_.contains(text_hash(label)); }

void PackedWeights::add_mark(std::string_view label) { add(label, {}); }

uint64_t PackedWeights::data_begin() const { return begin_of_data(key_.size(), weights_.size()); }

int64_t PackedWeights::file_bytes() const {
  uint64_t bytes = data_begin();
  for (const auto& [label, form] : weights_)
    if (form.bytes != nullptr) bytes += rounded_up(static_cast<uint64_t>(form.size()), kLine);
  return static_cast<int64_t>(bytes);
}

// All before the data; `order` is that of the forms in the data.
std::string PackedWeights::head(std::vector<const PackedForm*>& order) const {
  PackedHeader header{kPackedMagic,
                      kPackedFileVersion,
                      static_cast<uint32_t>(key_.size()),
                      weights_.size(),
                      static_cast<uint64_t>(file_bytes()),
                      {}};
  uint64_t offset = data_begin();
  std::string head(offset, '\0');
  std::memcpy(head.data(), &header, sizeof header);
  std::memcpy(head.data() + sizeof header, key_.data(), key_.size());
  char* to = head.data() + rounded_up(sizeof header + key_.size(), kLine);
  for (const auto& [label, form] : weights_) {
    PackedEntry entry{label, kMark, 0, 0, 0, 0, 0};
    if (form.bytes != nullptr) {
      const auto bytes = static_cast<uint64_t>(form.size());
      entry = {label, static_cast<uint32_t>(form.kind), 0, form.out, form.in, offset, bytes};
      order.push_back(&form);
      offset += rounded_up(bytes, kLine);
    }
    std::memcpy(to, &entry, sizeof entry);
    to += sizeof entry;
  }
  header.checksum = text_hash(head);
  std::memcpy(head.data(), &header, sizeof header);
  return head;
}

Status PackedWeights::write(const fs::path& file, const std::function<bool(int64_t)>& goes_on) const {
  MELETE_ASSIGN_OR_RETURN(FileWriter out, FileWriter::create(file));
  std::vector<const PackedForm*> order;
  PieceWriter writer(out, file_bytes(), goes_on);
  MELETE_RETURN_IF_ERROR(writer.put(head(order)));
  for (const PackedForm* form : order) {
    const auto bytes = static_cast<size_t>(form->size());
    MELETE_RETURN_IF_ERROR(writer.put({reinterpret_cast<const char*>(form->bytes.get()), bytes}));
    MELETE_RETURN_IF_ERROR(writer.put(std::string(rounded_up(bytes, kLine) - bytes, '\0')));
  }
  MELETE_RETURN_IF_ERROR(writer.flush());
  return out.commit(0600);
}

}  // namespace melete
