// The special tokens of our own vocabularies, in id order: they are the first ids of every tokenizer trained
// here.
//
// The public names are those of the Muse models. To spare small models tokens, frequent headers are single
// tokens. Their spellings keep the stream of the format byte-exact and hold a public control token
// themselves, so neither the plain word "user" nor a plain " to=self" can ever be one, in our tokenizer or in
// the stock `tokenizers` package:
//   <|start|>user            one token, for <|start|> and the word (system, assistant and tool likewise)
//    to=self<|message|>      one token, for the words and <|message|> (user and commentary likewise)
// so "<|start|>assistant to=self<|message|>" is two tokens and still begins with exactly
// "<|start|>assistant". `tokenizers` takes the leftmost, then longest added token, as our matcher does
// (text/added_tokens.h): other recipients ("<|start|>assistant to=functions.add<|message|>") use <|message|>
// after ordinary text.
//
// <|loc_NN|> is the centre of the NN-th of 100 bins of an image's width or height (text/marks.h). In
// tokenizer.json they are added tokens that are not `special`, so decoders that skip special tokens still
// show them; here, text from users can't produce them either.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace melete {

inline constexpr std::string_view kBeginOfText = "<|begin_of_text|>";
inline constexpr std::string_view kEndOfText = "<|end_of_text|>";
inline constexpr std::string_view kStart = "<|start|>";
inline constexpr std::string_view kMessage = "<|message|>";
inline constexpr std::string_view kEom = "<|eom|>";
inline constexpr std::string_view kEot = "<|eot|>";
inline constexpr std::string_view kPatch = "<|patch|>";
inline constexpr std::string_view kImageStart = "<|image_start|>";
inline constexpr std::string_view kImageEnd = "<|image_end|>";
inline constexpr std::string_view kVideo = "<|video|>";
inline constexpr std::string_view kVideoStart = "<|vid_start|>";
inline constexpr std::string_view kVideoEnd = "<|vid_end|>";
inline constexpr std::string_view kVideoFrameSeparator = "<|vid_frame_separator|>";
inline constexpr std::string_view kAudio = "<|audio|>";
inline constexpr std::string_view kAudioStart = "<|soft_audio_start|>";
inline constexpr std::string_view kAudioEnd = "<|soft_audio_end|>";

inline constexpr std::array<std::string_view, 23> kControlTokens = {kBeginOfText,
                                                                    kEndOfText,
                                                                    kStart,
                                                                    kMessage,
                                                                    kEom,
                                                                    kEot,
                                                                    kPatch,
                                                                    kImageStart,
                                                                    kImageEnd,
                                                                    kVideo,
                                                                    kVideoStart,
                                                                    kVideoEnd,
                                                                    kVideoFrameSeparator,
                                                                    kAudio,
                                                                    kAudioStart,
                                                                    kAudioEnd,
                                                                    "<|start|>system",
                                                                    "<|start|>user",
                                                                    "<|start|>assistant",
                                                                    "<|start|>tool",
                                                                    " to=self<|message|>",
                                                                    " to=user<|message|>",
                                                                    " to=commentary<|message|>"};

inline constexpr int kNumLocations = 100;

// The spelling of location token `bin`, 0 <= bin < 100: "<|loc_07|>".
inline std::string location_token(int bin) {
  return std::string("<|loc_") + static_cast<char>('0' + bin / 10) + static_cast<char>('0' + bin % 10) + "|>";
}

// The bin of a location token's spelling, or -1.
inline int location_bin(std::string_view token) {
  const bool shaped = token.size() == 10 && token.substr(0, 6) == "<|loc_" && token.substr(8) == "|>";
  if (!shaped || token[6] < '0' || token[6] > '9' || token[7] < '0' || token[7] > '9') return -1;
  return (token[6] - '0') * 10 + (token[7] - '0');
}

// All of them, in id order: control tokens, then <|loc_00|> .. <|loc_99|>.
inline std::vector<std::string> special_tokens() {
  std::vector<std::string> all(kControlTokens.begin(), kControlTokens.end());
  for (int bin = 0; bin < kNumLocations; ++bin) all.push_back(location_token(bin));
  return all;
}

}  // namespace melete
