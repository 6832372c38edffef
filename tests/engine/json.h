// Reads JSON, for tests of what the program writes.
#ifndef WEFT_TESTS_ENGINE_JSON_H_
#define WEFT_TESTS_ENGINE_JSON_H_

#include <cctype>
#include <cstdlib>
#include <map>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace weft::engine::test {

// A text, a number, a list or an object. Literals (true, null) and \u are not known.
struct Json {
  enum class Kind { kText, kNumber, kList, kObject } kind = Kind::kNumber;
  std::string text;
  double number = 0;
  std::vector<Json> list;
  std::map<std::string, Json> object;

  // Throws std::runtime_error where the text is not JSON.
  static Json Parse(const std::string& text);
};

class JsonParser {
 public:
  explicit JsonParser(const std::string& text) : text_(text) {}

  Json Document() {
    Json value = Value();
    if (Next() != '\0') Fail();
    return value;
  }

 private:
  [[noreturn]] void Fail() const { throw std::runtime_error("not JSON from byte " + std::to_string(at_)); }
  char Next() {  // past blanks
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_]))) ++at_;
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  bool Take(char c) {
    if (Next() != c) return false;
    ++at_;
    return true;
  }
  void Expect(char c) {
    if (!Take(c)) Fail();
  }

  Json Value() {
    Json value;
    if (Next() == '"') {
      value.kind = Json::Kind::kText;
      value.text = Text();
    } else if (Take('[')) {
      value.kind = Json::Kind::kList;
      if (Take(']')) return value;
      do value.list.push_back(Value());
      while (Take(','));
      Expect(']');
    } else if (Take('{')) {
      value.kind = Json::Kind::kObject;
      if (Take('}')) return value;
      do {
        std::string key = Text();
        Expect(':');
        if (!value.object.emplace(std::move(key), Value()).second) Fail();
      } while (Take(','));
      Expect('}');
    } else {
      char* end = nullptr;
      const char* begin = text_.c_str() + at_;
      if (*begin != '-' && !std::isdigit(static_cast<unsigned char>(*begin))) Fail();  // strtod knows inf and nan
      value.number = std::strtod(begin, &end);
      at_ += static_cast<size_t>(end - begin);
    }
    return value;
  }
  std::string Text() {
    Expect('"');
    std::string text;
    for (; at_ < text_.size() && text_[at_] != '"'; ++at_) {
      if (static_cast<unsigned char>(text_[at_]) < ' ') Fail();
      if (text_[at_] == '\\') {
        ++at_;
        if (at_ == text_.size() || (text_[at_] != '"' && text_[at_] != '\\')) Fail();
      }
      text += text_[at_];
    }
    if (at_ == text_.size()) Fail();
    ++at_;
    return text;
  }

  const std::string& text_;
  size_t at_ = 0;
};

inline Json Json::Parse(const std::string& text) { return JsonParser(text).Document(); }

}  // namespace weft::engine::test

#endif  // WEFT_TESTS_ENGINE_JSON_H_
