#include "server/store/conversations.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <map>

#include "server/store/test_store.h"

namespace melete {
namespace {

std::vector<std::string> texts(const std::vector<StoredMessage>& messages) {
  std::vector<std::string> texts;
  for (const StoredMessage& message : messages) texts.push_back(message.content.get<std::string>());
  return texts;
}

std::string joined(const std::vector<SnippetPiece>& pieces) {
  std::string text;
  for (const SnippetPiece& piece : pieces) text += piece.match ? "[" + piece.text + "]" : piece.text;
  return text;
}

TEST(Conversations, AnEditIsASiblingAndTheActiveLeafSaysWhichIsShown) {
  TestStore test;
  Conversations all = test.store->conversations(kTestOwner);
  const std::string id = ok(all.create("Fruit")).id;
  const StoredMessage question = ok(all.add(id, {"", "user", "How many apples?"}));
  const StoredMessage answer = ok(all.add(id, {question.id, "assistant", "Three."}));
  const StoredMessage again = ok(all.edit(id, question.id, "How many pears?"));
  EXPECT_EQ(again.parent, "");
  EXPECT_EQ(again.role, "user");
  EXPECT_EQ(texts(ok(all.path(id))), (std::vector<std::string>{"How many pears?"}));
  EXPECT_EQ(ok(all.select(id, question.id)), answer.id);
  EXPECT_EQ(texts(ok(all.path(id))), (std::vector<std::string>{"How many apples?", "Three."}));
  EXPECT_EQ(texts(ok(all.path(id, again.id))), (std::vector<std::string>{"How many pears?"}));
  EXPECT_EQ(ok(all.tree(id)).size(), 3u);
  const ConversationInfo info = ok(all.get(id));
  EXPECT_EQ(info.num_messages, 3);
  EXPECT_EQ(info.active_leaf, answer.id);
}

TEST(Conversations, AnotherOwnerFindsNothing) {
  TestStore test;
  Conversations mine = test.store->conversations(kTestOwner),
                theirs = test.store->conversations(TestStore::kOther);
  const std::string id = ok(mine.create("secret plan")).id;
  const std::string message = ok(mine.add(id, {"", "user", "secret words"})).id;
  EXPECT_EQ(kind_of(theirs.get(id)), "not_found");
  EXPECT_EQ(kind_of(theirs.tree(id)), "not_found");
  EXPECT_EQ(kind_of(theirs.path(id)), "not_found");
  EXPECT_EQ(kind_of(theirs.message(id, message)), "not_found");
  EXPECT_EQ(kind_of(theirs.add(id, {"", "user", "hello"})), "not_found");
  EXPECT_EQ(kind_of(theirs.edit(id, message, "hello")), "not_found");
  EXPECT_EQ(kind_of(theirs.replace(id, message, "hello", Json::object())), "not_found");
  EXPECT_EQ(kind_of(theirs.select(id, message)), "not_found");
  EXPECT_EQ(kind_of(theirs.fork(id, message)), "not_found");
  EXPECT_EQ(kind_of(theirs.rename(id, "x")), "not_found");
  EXPECT_EQ(kind_of(theirs.pin(id, true)), "not_found");
  EXPECT_EQ(kind_of(theirs.remove_message(id, message)), "not_found");
  EXPECT_EQ(kind_of(theirs.remove(id)), "not_found");
  EXPECT_TRUE(ok(theirs.list(10)).conversations.empty());
  EXPECT_TRUE(ok(theirs.search("secret")).empty());
  // The same id is free for them, and stays apart.
  EXPECT_EQ(ok(theirs.create("mine", id)).id, id);
  EXPECT_EQ(kind_of(theirs.add(id, {message, "user", "hello"})), "not_found");
  EXPECT_EQ(ok(mine.search("secret")).size(), 2u);
  EXPECT_EQ(texts(ok(mine.tree(id))), (std::vector<std::string>{"secret words"}));
}

TEST(Conversations, WrongMessagesAreRefusedWhole) {
  TestStore test;
  Conversations all = test.store->conversations(kTestOwner);
  const std::string id = ok(all.create("")).id, other = ok(all.create("")).id;
  const std::string elsewhere = ok(all.add(other, {"", "user", "hello"})).id;
  EXPECT_EQ(kind_of(all.add(id, {elsewhere, "user", "hello"})), "not_found");
  EXPECT_EQ(kind_of(all.add(id, {"", "robot", "hello"})), "invalid_argument");
  EXPECT_EQ(kind_of(all.add(id, {"", "user", 7})), "invalid_argument");
  EXPECT_EQ(kind_of(all.add(id, {"", "user", Json::array({{{"text", "no type"}}})})), "invalid_argument");
  EXPECT_EQ(kind_of(all.add(id, {"", "user", "hello", Json::object(), {"file_0"}})), "not_found");
  EXPECT_EQ(kind_of(all.add(id, {"", "user", std::string(5 << 20, 'x')})), "exhausted");
  Json deep = "x";
  for (int i = 0; i < 200; ++i) deep = Json::array({deep});
  EXPECT_EQ(kind_of(all.add(id, {"", "user", "hello", {{"deep", deep}}})), "invalid_argument");
  EXPECT_EQ(kind_of(all.create(std::string(501, 'x'))), "invalid_argument");
  EXPECT_EQ(kind_of(all.create("x", "../up")), "invalid_argument");
  EXPECT_EQ(kind_of(all.create("x", id)), "invalid_argument");
  EXPECT_TRUE(ok(all.tree(id)).empty());
  EXPECT_EQ(ok(all.get(id)).active_leaf, "");
}

TEST(Conversations, TheListIsPinnedFirstThenNewestAndComesInPages) {
  TestStore test;
  Conversations all = test.store->conversations(kTestOwner);
  std::vector<std::string> ids;
  for (int i = 0; i < 7; ++i) {
    test.now_ms += i % 2;  // two in the same millisecond
    ids.push_back(ok(all.create(std::to_string(i))).id);
  }
  ASSERT_TRUE(all.pin(ids[2], true).ok());
  test.now_ms += 1;
  ok(all.add(ids[0], {"", "user", "hello"}));
  std::string seen;
  std::optional<ListPosition> at;
  do {
    const ConversationPage page = ok(all.list(3, at));
    EXPECT_LE(page.conversations.size(), 3u);
    for (const ConversationInfo& info : page.conversations) seen += info.title;
    at = page.next;
  } while (at);
  EXPECT_EQ(seen, "2065431");
}

TEST(Conversations, SearchMarksWhatMatchedAndFollowsChanges) {
  TestStore test;
  Conversations all = test.store->conversations(kTestOwner);
  const std::string id = ok(all.create("Äpfel und Birnen")).id;
  const Json parts = Json::array({{{"type", "text"}, {"text", "one red apple"}},
                                  {{"type", "image"}},
                                  {{"type", "text"}, {"text", "and <b>two</b> green\x01 pears"}}});
  const std::string message = ok(all.add(id, {"", "user", parts})).id;
  std::vector<SearchHit> hits = ok(all.search("APP"));
  ASSERT_EQ(hits.size(), 1u);
  EXPECT_EQ(hits[0].message, message);
  EXPECT_EQ(joined(hits[0].snippet), "one red [apple]\nand <b>two</b> green  pears");
  ASSERT_EQ(ok(all.search("apfel")).size(), 1u);  // without its accent
  EXPECT_EQ(ok(all.search("apfel"))[0].message, "");
  EXPECT_TRUE(ok(all.search("red pear green purple")).empty());
  EXPECT_EQ(ok(all.search("pears red")).size(), 1u);
  ASSERT_TRUE(all.replace(id, message, "plums", Json::object()).ok());
  EXPECT_TRUE(ok(all.search("apple")).empty());
  EXPECT_EQ(ok(all.search("plums")).size(), 1u);
  ASSERT_TRUE(all.rename(id, "Quinces").ok());
  EXPECT_TRUE(ok(all.search("apfel")).empty());
  ASSERT_TRUE(all.remove(id).ok());
  EXPECT_TRUE(ok(all.search("plums")).empty());
  EXPECT_TRUE(ok(all.search("quinces")).empty());
}

TEST(Conversations, AnswersWithPagesComeNewestFirstAndOnlyTheOwners) {
  TestStore test;
  Conversations all = test.store->conversations(kTestOwner);
  const std::string id = ok(all.create("Games")).id;
  const auto say = [&](const char* role, const Json& content) {
    return ok(all.add(id, {"", role, content})).id;
  };
  say("user", "```html\n<p>asked for\n```");
  const std::string first = say("assistant", "Here:\n```html\n\t<p>one\n```");
  say("assistant", "no page, ```python\n1\n```");
  const std::string second =
      say("assistant", Json::array({{{"type", "text"}, {"text", "~~~SVG\n<svg/>\n~~~"}}}));
  const auto found = ok(all.answers_with_pages(10));
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].message, second);
  EXPECT_EQ(found[1].message, first);
  EXPECT_EQ(found[1].content, "Here:\n```html\n\t<p>one\n```");
  EXPECT_EQ(found[1].title, "Games");
  const auto page = ok(all.answers_with_pages(1));
  ASSERT_EQ(page.size(), 1u);
  const auto next = ok(all.answers_with_pages(1, page[0].row));
  ASSERT_EQ(next.size(), 1u);
  EXPECT_EQ(next[0].message, first);
  EXPECT_TRUE(ok(all.answers_with_pages(1, next[0].row)).empty());
  EXPECT_TRUE(ok(test.store->conversations(TestStore::kOther).answers_with_pages(10)).empty());
}

RC_GTEST_PROP(Conversations, NoTextBreaksTheQueryLanguage, (const std::string& text)) {
  static TestStore* test = [] {
    static TestStore store;
    Conversations all = store.store->conversations(kTestOwner);
    ok(all.add(ok(all.create("a")).id, {"", "user", "alpha beta"}));
    return &store;
  }();
  static const std::vector<std::string> kNasty = {"\"", "AND", "NEAR(a", "text:", "*", "^a",
                                                  "-",  "“”",  "a\"b",   "(",     "\\"};
  std::string query = text;
  for (int i = *rc::gen::inRange(0, 4); i > 0; --i) query += " " + *rc::gen::elementOf(kNasty);
  const auto hits = test->store->conversations(kTestOwner).search(query);
  RC_ASSERT(hits.ok());
}

TEST(Conversations, AForkCopiesOnePath) {
  TestStore test;
  Conversations all = test.store->conversations(kTestOwner);
  const std::string id = ok(all.create("Fruit")).id;
  const std::string file = ok(test.store->files(kTestOwner).put("bytes", "a.txt", "")).id;
  const StoredMessage a = ok(all.add(id, {"", "user", "a", {{"x", 1}}, {file}}));
  const StoredMessage b = ok(all.add(id, {a.id, "assistant", "b"}));
  ok(all.add(id, {b.id, "user", "c"}));
  const ConversationInfo fork = ok(all.fork(id, b.id));
  EXPECT_NE(fork.id, id);
  EXPECT_EQ(fork.title, "Fruit");
  const std::vector<StoredMessage> path = ok(all.path(fork.id));
  EXPECT_EQ(texts(path), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(path[0].meta, Json({{"x", 1}}));
  EXPECT_EQ(path[0].files, std::vector<std::string>{file});
  ASSERT_TRUE(all.remove(id).ok());
  EXPECT_EQ(ok(all.tree(fork.id)).size(), 2u);
  EXPECT_TRUE(test.store->files(kTestOwner).get(file).ok());
}

TEST(Conversations, ALongChainCanBeReadAndDeleted) {
  TestStore test;
  Conversations all = test.store->conversations(kTestOwner);
  const std::string id = ok(all.create("")).id;
  std::string parent;
  for (int i = 0; i < 1500; ++i) parent = ok(all.add(id, {parent, "user", std::to_string(i)})).id;
  EXPECT_EQ(ok(all.path(id)).size(), 1500u);
  const std::string tenth = ok(all.path(id))[10].id;
  ASSERT_TRUE(all.remove_message(id, tenth).ok());
  EXPECT_EQ(ok(all.get(id)).num_messages, 10);
  EXPECT_TRUE(all.remove(id).ok());
}

// The tree against a list of (id, parent, text) that knows no SQL.
struct NaiveTree {
  struct Node {
    std::string id, parent, text;
  };
  std::vector<Node> nodes;  // in the order in which they were made
  std::string active;

  const Node* find(const std::string& id) const {
    for (const Node& node : nodes)
      if (node.id == id) return &node;
    return nullptr;
  }
  bool is_below(const Node& node, const std::string& top) const {
    for (const Node* at = &node; at != nullptr; at = find(at->parent))
      if (at->id == top) return true;
    return top.empty();
  }
  std::string newest_leaf(const std::string& top) const {
    std::string leaf;
    for (const Node& node : nodes) {
      const bool has_child =
          std::any_of(nodes.begin(), nodes.end(), [&](const Node& n) { return n.parent == node.id; });
      if (!has_child && is_below(node, top)) leaf = node.id;
    }
    return leaf;
  }
  std::vector<std::string> path() const {
    std::vector<std::string> texts;
    for (const Node* at = find(active); at != nullptr; at = find(at->parent))
      texts.insert(texts.begin(), at->text);
    return texts;
  }
};

void step(Conversations& all, const std::string& id, NaiveTree& naive, int number) {
  const auto any = [&]() -> NaiveTree::Node {
    return naive.nodes[*rc::gen::inRange<size_t>(0, naive.nodes.size())];
  };
  const std::string text = "text" + std::to_string(number);
  const int what =
      naive.nodes.empty() ? 0 : *rc::gen::weightedElement<int>({{5, 0}, {2, 1}, {2, 2}, {1, 3}, {1, 4}});
  if (what == 0) {
    const std::string parent = naive.nodes.empty() || *rc::gen::inRange(0, 6) == 0 ? "" : any().id;
    naive.active = ok(all.add(id, {parent, "user", text})).id;
    naive.nodes.push_back({naive.active, parent, text});
  } else if (what == 1) {
    const NaiveTree::Node old = any();
    naive.active = ok(all.edit(id, old.id, text)).id;
    naive.nodes.push_back({naive.active, old.parent, text});
  } else if (what == 2) {
    const std::string at = any().id;
    naive.active = naive.newest_leaf(at);
    RC_ASSERT(ok(all.select(id, at)) == naive.active);
  } else if (what == 3) {
    const NaiveTree::Node top = any();
    RC_ASSERT(all.remove_message(id, top.id).ok());
    const NaiveTree before = naive;
    std::erase_if(naive.nodes, [&](const NaiveTree::Node& node) { return before.is_below(node, top.id); });
    if (naive.find(naive.active) == nullptr) naive.active = naive.newest_leaf(top.parent);
  } else {
    const std::string at = any().id;
    RC_ASSERT(all.replace(id, at, text, Json::object()).ok());
    for (NaiveTree::Node& node : naive.nodes)
      if (node.id == at) node.text = text;
  }
}

TEST(Conversations, BehaveAsANaiveTree) {
  TestStore test;
  Conversations all = test.store->conversations(kTestOwner);
  EXPECT_TRUE(rc::check("conversations", [&] {
    const std::string id = ok(all.create("")).id;
    NaiveTree naive;
    const int num_steps = *rc::gen::inRange(1, 30);
    for (int i = 0; i < num_steps; ++i) {
      step(all, id, naive, i);
      RC_ASSERT(ok(all.get(id)).active_leaf == naive.active);
      RC_ASSERT(texts(ok(all.path(id))) == naive.path());
      const std::vector<StoredMessage> tree = ok(all.tree(id));
      RC_ASSERT(tree.size() == naive.nodes.size());
      for (size_t n = 0; n < tree.size(); ++n) {
        RC_ASSERT(tree[n].id == naive.nodes[n].id);
        RC_ASSERT(tree[n].parent == naive.nodes[n].parent);
        RC_ASSERT(tree[n].content == naive.nodes[n].text);
        const auto begins = [&](const NaiveTree::Node& node) {
          return node.text.starts_with(naive.nodes[n].text);
        };
        RC_ASSERT(static_cast<int64_t>(ok(all.search(naive.nodes[n].text, 200)).size()) ==
                  std::count_if(naive.nodes.begin(), naive.nodes.end(), begins));
      }
    }
    RC_ASSERT(all.remove(id).ok());
  }));
}

}  // namespace
}  // namespace melete
