#include "server/http/exchange.h"

#include <gtest/gtest.h>

namespace melete {
namespace {

TEST(Exchange, AStreamBeginsEarlyOnlyWhereItIsAllowedAndNothingHasCome) {
  const auto state = std::make_shared<ExchangeState>([] {}, 100);
  Exchange exchange({}, state);
  EXPECT_FALSE(state->begin_early());
  exchange.allow_stream({{"x", "y"}});
  EXPECT_EQ(state->begin_early().value(), (HttpHeaders{{"x", "y"}}));
  EXPECT_FALSE(state->begin_early());
  EXPECT_FALSE(exchange.try_respond({500, "too late"}));
  exchange.begin_stream();
  EXPECT_TRUE(exchange.put("data: 1\n\n"));
  exchange.end_stream();
  const auto output = state->take();
  EXPECT_FALSE(output.stream || output.response);  // the connection has begun it itself
  EXPECT_EQ(output.bytes, "data: 1\n\n");
  EXPECT_TRUE(output.ended);
}

TEST(Exchange, AWholeAnswerLeavesNoStream) {
  const auto state = std::make_shared<ExchangeState>([] {}, 100);
  Exchange exchange({}, state);
  exchange.allow_stream();
  EXPECT_TRUE(exchange.try_respond({429, "full"}));
  EXPECT_FALSE(state->begin_early());
  exchange.begin_stream();
  EXPECT_FALSE(exchange.put("data: 1\n\n"));
  const auto output = state->take();
  EXPECT_FALSE(output.stream);
  EXPECT_EQ(output.response->status, 429);
}

TEST(Exchange, WhatComesWhereNothingWaitsIsWrittenWhereItComes) {
  int num_wakes = 0;
  const auto state = std::make_shared<ExchangeState>([&] { ++num_wakes; }, 100);
  Exchange exchange({}, state);
  exchange.begin_stream();
  std::string written;
  bool has_room = true;
  const ExchangeState::Writer write = [&](std::string_view bytes) {
    written += bytes;
    return has_room;
  };
  exchange.put("1");
  EXPECT_EQ(state->take(write).bytes, "1");
  exchange.put("2");  // not before the connection has written the first
  EXPECT_EQ(written, "");
  EXPECT_EQ(state->take().bytes, "2");
  EXPECT_EQ(state->take(write).bytes, "");
  num_wakes = 0;
  exchange.put("3");
  exchange.put("4");
  EXPECT_EQ(written, "34");
  EXPECT_EQ(num_wakes, 0);
  has_room = false;
  exchange.put("5");
  exchange.put("6");  // after the rest of what the writer has
  EXPECT_EQ(written, "345");
  EXPECT_EQ(num_wakes, 1);
  EXPECT_EQ(state->take().bytes, "6");
  EXPECT_EQ(state->take(write).bytes, "");
  state->set_gone();
  EXPECT_FALSE(exchange.put("7"));
  EXPECT_EQ(written, "345");
}

}  // namespace
}  // namespace melete
