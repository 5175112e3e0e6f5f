#include "text/jinja/template.h"

#include <cstdlib>
#include <ctime>
#include <iomanip>
#include <sstream>

#include "text/test_files.h"

namespace melete::jinja {
namespace {

Dict variables_of(const Json& json) {
  Dict dict;
  for (const auto& [key, value] : json.items())
    dict.put(Value::text(key, true), to_value(value, false).value());
  return dict;
}

RenderOptions options() {
  RenderOptions made;
  std::istringstream in("2026-03-09 14:05:07");
  in >> std::get_time(&made.now, "%Y-%m-%d %H:%M:%S");
  std::tm copy = made.now;
  timegm(&copy);  // weekday and day of the year
  made.now = copy;
  return made;
}

Result<MarkedText> render(std::string_view source, const Dict& variables,
                          const RenderOptions& how = options()) {
  MELETE_ASSIGN_OR_RETURN(const Template made, Template::parse(source, "test"));
  return made.render(variables, how);
}

// What we and Python make of it; an error is an error in both.
void expect_equal(const std::string& source, const Dict& variables, const Json& expected,
                  const std::string& what) {
  const auto text = render(source, variables);
  if (expected.contains("error"))
    EXPECT_FALSE(text.ok()) << what << "\n  should be " << expected["error"]
                            << ", got: " << (text.ok() ? text->str() : "");
  else if (!text.ok())
    ADD_FAILURE() << what << "\n  " << text.error().message;
  else
    EXPECT_EQ(text->str(), expected["text"].get<std::string>()) << what;
}

Dict case_variables(Json given) {
  if (!given.contains("tools")) given["tools"] = nullptr;
  return variables_of(given);
}

void expect_templates(const Json& fixture) {
  for (const Json& one : fixture["templates"])
    for (size_t i = 0; i < fixture["cases"].size(); ++i)
      expect_equal(one["source"], case_variables(fixture["cases"][i]), one["results"][i],
                   cat(one["name"].get<std::string>(), " case ", i));
}

TEST(Template, SnippetsEqualPythons) {
  const Json fixture = golden("jinja.json");
  Json given = fixture["variables"];
  given["tools"] = nullptr;
  const Dict variables = variables_of(given);
  ASSERT_GT(fixture["snippets"].size(), 300u);
  for (const Json& snippet : fixture["snippets"])
    expect_equal(snippet["source"], variables, snippet, snippet["source"]);
}

TEST(Template, TemplatesEqualPythons) { expect_templates(golden("jinja.json")); }

// Public models' templates, as tools/oracle/jinja_golden.py writes them.
TEST(Template, WholeTemplatesEqualPythons) {
  const char* file = std::getenv("MELETE_JINJA_FILE");
  if (!file) GTEST_SKIP() << "MELETE_JINJA_FILE names no file";
  expect_templates(parse_json(read_file(file).value(), file).value());
}

std::string trusted_part(const MarkedText& text) {
  std::string trusted;
  for (const Piece& piece : text.pieces()) trusted += piece.trusted ? piece.text : "\n";
  return trusted;
}

// The same, with `from` replaced by `to` in every text.
Json with_replaced(const Json& json, const std::string& from, const std::string& to) {
  std::string text = json.dump();
  for (size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
  return parse_json(text, "changed").value();
}

TEST(Template, ContentsOfMessagesNeverBecomeTrusted) {
  const Json fixture = golden("jinja.json");
  for (const Json& one : fixture["templates"])
    for (const Json& given : fixture["cases"]) {
      const auto text = render(one["source"].get<std::string>(), case_variables(given));
      const auto other =
          render(one["source"].get<std::string>(), case_variables(with_replaced(given, "<|im_end|>", "XY")));
      ASSERT_EQ(text.ok(), other.ok());
      if (text.ok()) EXPECT_EQ(trusted_part(*text), trusted_part(*other)) << one["name"] << given;
    }
}

// Each gives a value from outside, or a part of it.
constexpr const char* kBuiltins[] = {"{{ x }}",
                                     "{{ 'a' ~ x }}",
                                     "{{ x + 'a' }}",
                                     "{{ x * 3 }}",
                                     "{{ x[0:2] }}",
                                     "{{ x[1] }}",
                                     "{{ x | upper }}",
                                     "{{ x | title }}",
                                     "{{ x | safe }}",
                                     "{{ x | string }}",
                                     "{{ x | trim }}",
                                     "{{ x | reverse }}",
                                     "{{ x | e }}",
                                     "{{ x | indent }}",
                                     "{{ x | tojson }}",
                                     "{{ d | tojson(indent=1) }}",
                                     "{{ l }}",
                                     "{{ d }}",
                                     "{{ l | join('-') }}",
                                     "{{ '-'.join(l) }}",
                                     "{{ x.split('u')[0] }}",
                                     "{{ x.split()[0] }}",
                                     "{{ x.splitlines()[0] }}",
                                     "{{ '%s' % x }}",
                                     "{{ '{0}'.format(x) }}",
                                     "{{ 'a'.replace('a', x) }}",
                                     "{{ x.replace('u', 'v') }}",
                                     "{{ x | replace('u', 'v') }}",
                                     "{{ x.partition('u')[2] }}",
                                     "{{ x.strip('<') }}",
                                     "{{ l | map('upper') | first }}",
                                     "{{ l | sort | last }}",
                                     "{% for c in x %}{{ c }}{% endfor %}",
                                     "{% for k, v in d.items() %}{{ k }}{{ v }}{% endfor %}",
                                     "{% set y %}{{ x }}{% endset %}{{ y }}",
                                     "{% filter lower %}{{ x }}{% endfilter %}",
                                     "{% macro m(a) %}{{ a }}{% endmacro %}{{ m(x) }}",
                                     "{% set ns = namespace(a=x) %}{{ ns.a }}",
                                     "{{ x.zfill(9) }}",
                                     "{{ x | capitalize }}",
                                     "{{ l | unique | list | string }}",
                                     "{{ x.removeprefix('a') }}"};

TEST(Template, MarksFollowEveryBuiltin) {
  const Dict variables = variables_of({{"x", "<u>"}, {"l", {"<u>", "b"}}, {"d", {{"<u>", "<u>"}}}});
  for (const char* source : kBuiltins) {
    const auto text = render(source, variables);
    ASSERT_TRUE(text.ok()) << source << text.error().message;
    bool has_untrusted = false;
    text->for_each_run([&](std::string_view run, bool trusted) {
      if (trusted)
        EXPECT_EQ(run.find_first_of("uU"), std::string_view::npos) << source << " gave " << text->str();
      if (trusted)
        EXPECT_EQ(run.find_first_of("<>"), std::string_view::npos) << source << " gave " << text->str();
      has_untrusted = has_untrusted || !trusted;
    });
    EXPECT_TRUE(has_untrusted) << source;
  }
}

TEST(Template, LiteralsAreTrusted) {
  const auto text = render("<a>{{ '<b>' }}{{ x }}{{ \"<c>\" | upper }}", variables_of({{"x", "<u>"}}));
  EXPECT_EQ(trusted_part(*text), "<a><b>\n<C>");
}

TEST(Template, RunawayTemplatesEnd) {
  const char* const kHostile[] = {
      "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
      "{% set ns = namespace(s='ab') %}{% for i in range(99) %}{% set ns.s = ns.s + ns.s %}{% endfor %}",
      "{% for a in range(99999) %}{% for b in range(99999) %}x{% endfor %}{% endfor %}",
      "{{ 'x' * 999999999999 }}",
      "{{ [0] * 9999999999 }}",
      "{% set ns = namespace(l=[1]) %}{% for i in range(99) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ "
      "ns.l }}",
      "{% set ns = namespace(l=[1]) %}{% for i in range(999) %}{% set ns.l = [ns.l] %}{% endfor %}",
      "{% set ns = namespace(l=[1]) %}{% for i in range(99) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ "
      "ns.l == ns.l + [] }}",
      "{% for a in range(99999) %}{{ 'abcdefghij' * 100 }}{% endfor %}",
      "{{ ('a' * 1000000).replace('', 'b' * 1000000) }}",
      "{{ '%999999999d' % 3 }}",
      "{{ 'x'.rjust(99999999999) }}",
      "{{ [1] | batch(99999999999, 0) | list }}",
      "{% set ns = namespace() %}{% set ns.me = ns %}{{ 'x' * 999999999999 }}",
      "{% macro m(n) %}{% for i in range(10) %}{{ m(n + 1) }}{% endfor %}{% endmacro %}{{ m(0) }}",
  };
  for (const char* source : kHostile) {
    const auto text = render(source, Dict());
    ASSERT_FALSE(text.ok()) << source;
    EXPECT_EQ(text.error().message.rfind("[test] line 1: ", 0), 0u) << text.error().message;
  }
}

TEST(Template, DeepNestingIsAnError) {
  for (const auto& [open, close] :
       {std::pair("(", ")"), std::pair("[", "]"), std::pair("not ", ""), std::pair("-", ""),
        std::pair("a.", "b"), std::pair("a~", "b"), std::pair("1+", "1")}) {
    std::string source = "{{ ";
    for (int i = 0; i < 20000; ++i) source += open;
    source += "1";
    for (int i = 0; i < (*close == 'b' || *close == '1' ? 1 : 20000); ++i) source += close;
    (void)render(source + " }}", Dict());
  }
  std::string blocks;
  for (int i = 0; i < 20000; ++i) blocks += "{% if true %}";
  const auto text = render(blocks, Dict());
  ASSERT_FALSE(text.ok());
  EXPECT_NE(text.error().message.find("nesting must be at most"), std::string::npos) << text.error().message;
}

TEST(Template, ErrorsNameTheLine) {
  const auto message = [](const char* source) { return render(source, Dict()).error().message; };
  EXPECT_NE(message("a\n\n{{ b.c }}").find("[test] line 3: 'b' is undefined"), std::string::npos)
      << message("a\n\n{{ b.c }}");
  EXPECT_NE(message("a\n{{ 1 + }}").find("line 2: expected a value, got }}"), std::string::npos)
      << message("a\n{{ 1 + }}");
  EXPECT_NE(message("{{ raise_exception('roles must alternate') }}")
                .find("refuses the conversation: roles must alternate"),
            std::string::npos);
  EXPECT_NE(message("{% include 'x' %}").find("isn't one of if, for"), std::string::npos);
}

}  // namespace
}  // namespace melete::jinja
