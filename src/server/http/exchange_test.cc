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

}  // namespace
}  // namespace melete
