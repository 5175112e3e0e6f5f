// export_html: one page to read without any program of ours.
#include <ctime>
#include <set>

#include "server/store/export.h"
#include "server/store/secret.h"
#include "text/utf8.h"

namespace melete {
namespace {

constexpr std::string_view kHead = R"html(<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; media-src data:; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem; color-scheme: light dark }
article { border-left: 3px solid #8888; padding: 0 0 0 1rem; margin: 1rem 0 }
article.user { border-color: #36c }
pre { font: inherit; white-space: pre-wrap; overflow-wrap: anywhere }
h3, time { font-size: .85rem; font-weight: 600; opacity: .7 }
img, video { max-width: 100% }
</style>
)html";

std::string escape(std::string_view text) {
  std::string escaped;
  for (const char c : valid_utf8(text)) {
    switch (c) {
      case '&': escaped += "&amp;"; break;
      case '<': escaped += "&lt;"; break;
      case '>': escaped += "&gt;"; break;
      case '"': escaped += "&quot;"; break;
      case '\'': escaped += "&#39;"; break;
      default: escaped += c;
    }
  }
  return escaped;
}

std::string time_text(int64_t time_ms) {
  const std::time_t seconds = time_ms / 1000;
  std::tm parts{};
  char text[40] = "";
  if (::gmtime_r(&seconds, &parts) != nullptr) std::strftime(text, sizeof text, "%Y-%m-%d %H:%M UTC", &parts);
  return text;
}

// Text as it is, other parts by their type.
std::string content_html(const Json& content) {
  if (content.is_string()) return "<pre>" + escape(content.get<std::string>()) + "</pre>\n";
  std::string html;
  for (const Json& part : content) {
    const Json text = part.value("text", Json());
    if (text.is_string())
      html += "<pre>" + escape(text.get<std::string>()) + "</pre>\n";
    else
      html += "<p>[" + escape(part.value("type", Json("")).get<std::string>()) + "]</p>\n";
  }
  return html;
}

Result<std::string> file_html(const Files& files, const std::string& id) {
  MELETE_ASSIGN_OR_RETURN(const StoredFile file, files.get(id));
  MELETE_ASSIGN_OR_RETURN(const std::string bytes, files.read(id));
  const std::string name = escape(file.name.empty() ? "file" : file.name), type = escape(file.type);
  const std::string source = "\"data:" + type + ";base64," + to_base64(bytes) + "\"";
  if (file.type.rfind("image/", 0) == 0) return "<p><img alt=\"" + name + "\" src=" + source + "></p>\n";
  if (file.type.rfind("audio/", 0) == 0)
    return "<p><audio controls src=" + source + "></audio> " + name + "</p>\n";
  if (file.type.rfind("video/", 0) == 0)
    return "<p><video controls src=" + source + "></video> " + name + "</p>\n";
  return "<p><a download=\"" + name + "\" href=" + source + ">" + name + "</a></p>\n";
}

Result<std::string> message_html(const Files& files, const StoredMessage& message) {
  std::string html = "<article class=\"" + escape(message.role) + "\"><h3>" + escape(message.role) +
                     ", <time>" + time_text(message.created_ms) + "</time></h3>\n" +
                     content_html(message.content);
  for (const std::string& id : message.files) {
    MELETE_ASSIGN_OR_RETURN(const std::string file, file_html(files, id));
    html += file;
  }
  return html + "</article>\n";
}

// The branch that is shown, then the messages of all others.
Status put_conversation(const Conversations& all, const Files& files, const ConversationInfo& info,
                        const TextSink& out) {
  MELETE_RETURN_IF_ERROR(
      out("<section><h2>" + escape(info.title.empty() ? "Untitled" : info.title) + "</h2>\n"));
  MELETE_ASSIGN_OR_RETURN(const std::vector<StoredMessage> shown, all.path(info.id));
  MELETE_ASSIGN_OR_RETURN(const std::vector<StoredMessage> tree, all.tree(info.id));
  std::set<std::string> on_path;
  for (const StoredMessage& message : shown) {
    on_path.insert(message.id);
    MELETE_ASSIGN_OR_RETURN(const std::string html, message_html(files, message));
    MELETE_RETURN_IF_ERROR(out(html));
  }
  if (tree.size() == shown.size()) return out("</section>\n");
  MELETE_RETURN_IF_ERROR(out("<details><summary>Other versions</summary>\n"));
  for (const StoredMessage& message : tree) {
    if (on_path.contains(message.id)) continue;
    MELETE_ASSIGN_OR_RETURN(const std::string html, message_html(files, message));
    MELETE_RETURN_IF_ERROR(out(html));
  }
  return out("</details></section>\n");
}

}  // namespace

Status export_html(Store& store, OwnerId owner, const std::string& name, const TextSink& out) {
  const Files files = store.files(owner);
  const Conversations all = store.conversations(owner);
  const std::string title = "Conversations of " + escape(name);
  MELETE_RETURN_IF_ERROR(out(kHead));
  MELETE_RETURN_IF_ERROR(out("<title>" + title + "</title></head>\n<body><h1>" + title + "</h1>\n"));
  const auto put = [&](const ConversationInfo& info) { return put_conversation(all, files, info, out); };
  MELETE_RETURN_IF_ERROR(for_each_conversation(all, put));
  return out("</body></html>\n");
}

}  // namespace melete
