#include "train/trainer.h"

#include <gtest/gtest.h>

#include <fstream>

#include "base/config.h"
#include "base/file.h"
#include "train/gradients.h"
#include "train/run.h"

namespace melete {
namespace {

namespace fs = std::filesystem;

// A bigram model with one hidden matrix: enough for both optimizers.
class ToyModel : public TrainableModel {
 public:
  ToyModel() {
    torch::manual_seed(11);
    parameters_ = {{{"embed", {420, 16}, WeightRole::embedding}, torch::randn({420, 16}) * 0.3},
                   {{"hidden", {16, 16}, WeightRole::matrix}, torch::eye(16)},
                   {{"head", {420, 16}, WeightRole::head}, torch::randn({420, 16}) * 0.3}};
    for (TorchParameter& parameter : parameters_) parameter.value.set_requires_grad(true);
  }
  const std::vector<TorchParameter>& parameters() const override { return parameters_; }

  BatchLoss loss(const Batch& batch) override {
    std::vector<int64_t> ids;
    for (const int64_t row : batch.rows_R) ids.push_back(batch.input.tokens[static_cast<size_t>(row)]);
    const torch::Tensor hidden =
        torch::tanh(parameters_[0].value.index({torch::tensor(ids)}).matmul(parameters_[1].value));
    const torch::Tensor log_probs = torch::log_softmax(hidden.matmul(parameters_[2].value.t()), 1);
    const torch::Tensor targets = torch::tensor(batch.targets_R);
    torch::Tensor nll = -log_probs.gather(1, targets.unsqueeze(1)).squeeze(1);
    if (poisoned) nll = nll * std::numeric_limits<float>::quiet_NaN();
    BatchLoss out{(nll * torch::tensor(batch.weights_R)).sum(), {}, {}};
    const torch::Tensor hit = log_probs.argmax(1).eq(targets);
    for (int64_t r = 0; r < nll.size(0); ++r) {
      out.nll_R.push_back(nll[r].item<double>());
      out.hit_R.push_back(hit[r].item<bool>());
    }
    return out;
  }

  bool poisoned = false;

 private:
  std::vector<TorchParameter> parameters_;
};

class TrainerTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("melete_trainer_" + std::to_string(::getpid()));
    fs::remove_all(folder_);
    config_.mixture.documents = config_.mixture.loss = {0, 0, 0, 0, 1};
    config_.data.tokens_per_step = 1024;
    config_.data.micro_batches = 2;
    config_.data.steps_per_group = 2;
    config_.schedule.steps = 13;
    config_.schedule.warmup_steps = 3;
    config_.run.log_steps = 1;
    config_.curriculum.patience_steps = 4;  // so that levels open within the test
    config_.eval.every_steps = 0;
    const auto tokenizer =
        parse_tokenizer(train_tokenizer({"What is 12 + 30?"}, 420).value(), "test").value();
    auto maker = DocumentMaker::create(config_.mixture, config_.curriculum, config_.media, tokenizer);
    ASSERT_TRUE(maker.ok()) << maker.error().message;
    maker_.emplace(*std::move(maker));
  }
  void TearDown() override { fs::remove_all(folder_); }

  // Trains to `steps` and returns all weights' bytes.
  std::string train(const std::string& name, int64_t steps, bool resume) {
    ToyModel model;
    TrainConfig config = config_;
    Trainer trainer(config, folder_ / name, *maker_, model);
    Status started = resume ? trainer.start_from_checkpoint() : trainer.start_fresh();
    EXPECT_TRUE(started.ok()) << started.error().message;
    const Status ran = trainer.run([] { return ok_status(); }, steps);
    EXPECT_TRUE(ran.ok()) << ran.error().message;
    return bytes_of(model);
  }

  static std::string bytes_of(const ToyModel& model) {
    std::string bytes;
    for (const TorchParameter& parameter : model.parameters())
      bytes.append(static_cast<const char*>(parameter.value.data_ptr()), parameter.value.nbytes());
    return bytes;
  }

  fs::path folder_;
  TrainConfig config_;
  std::optional<DocumentMaker> maker_;
};

TEST_F(TrainerTest, ResumedRunEndsWithTheSameBitsAsAnUninterruptedOne) {
  const std::string whole = train("whole", 13, false);
  train("parts", 5, false);
  const std::string middle = train("parts", 8, true);
  EXPECT_NE(middle, whole);
  EXPECT_EQ(train("parts", 13, true), whole);
  EXPECT_EQ(load_state(*newest_checkpoint(folder_ / "whole/checkpoints")).value()["curriculum"],
            load_state(*newest_checkpoint(folder_ / "parts/checkpoints")).value()["curriculum"]);
}

TEST(Gradients, OfMicroBatchesAddUp) {
  Batch a, b, both;
  for (Batch* batch : {&a, &both}) append_document(*batch, {0, 0, 0, {{5, 9, 11}, {}, {}}, {1, 2}, {}}, 0.5);
  for (Batch* batch : {&b, &both})
    append_document(*batch, {0, 0, 0, {{7, 9, 30, 31}, {}, {}}, {2, 3}, {}}, 0.25);
  ToyModel model;
  ThreadPool pool(2);
  const auto losses = sum_gradients(model, {a, b}, pool);
  std::vector<torch::Tensor> parts;
  for (const TorchParameter& parameter : model.parameters()) parts.push_back(parameter.value.grad().clone());
  const auto whole = sum_gradients(model, {both}, pool);
  EXPECT_NEAR(losses[0].loss.item<double>() + losses[1].loss.item<double>(), whole[0].loss.item<double>(),
              1e-6);
  for (size_t i = 0; i < parts.size(); ++i)
    EXPECT_TRUE(torch::allclose(parts[i], model.parameters()[i].value.grad(), 1e-5, 1e-7)) << i;
}

TEST_F(TrainerTest, ThreadsChangeNoBit) {
  config_.data.tokens_per_step = 4096;
  config_.data.micro_batches = 4;
  config_.run.threads = 1;
  const std::string one = train("one", 13, false);
  config_.run.threads = 3;
  EXPECT_EQ(train("three", 13, false), one);
}

TEST_F(TrainerTest, WorkAfterTheLastCheckpointIsRepeatedNotKept) {
  const std::string whole = train("whole", 13, false);
  train("crash", 6, false);
  const fs::path kept = *newest_checkpoint(folder_ / "crash/checkpoints");
  train("crash", 9, true);
  // As after a kill -9 in the middle of a save: the newest checkpoint is a torn folder of another name,
  // metrics run ahead.
  for (const auto& entry : fs::directory_iterator(folder_ / "crash/checkpoints"))
    if (entry.path() != kept) fs::rename(entry.path(), folder_ / "crash/checkpoints/.new-9");
  std::ofstream(folder_ / "crash/metrics.jsonl", std::ios::app) << "{\"torn";
  EXPECT_EQ(train("crash", 13, true), whole);
  const auto lines = read_metrics(folder_ / "crash/metrics.jsonl").value();
  ASSERT_EQ(lines.size(), 13u);
  for (size_t i = 0; i < lines.size(); ++i) EXPECT_EQ(lines[i]["step"], i + 1);
}

TEST_F(TrainerTest, LearnsAndKeepsTwoCheckpoints) {
  config_.schedule.steps = 40;
  config_.optimizer.adam_rate = 0.1;
  config_.run.checkpoint_minutes = 1e-6;
  train("run", 40, false);
  const auto lines = read_metrics(folder_ / "run/metrics.jsonl").value();
  EXPECT_LT(lines.back()["loss"].get<double>(), 0.7 * lines.front()["loss"].get<double>());
  EXPECT_GT(lines.back()["open"]["addition"].get<int>(), 0);
  int count = 0;
  for ([[maybe_unused]] const auto& entry : fs::directory_iterator(folder_ / "run/checkpoints")) ++count;
  EXPECT_EQ(count, 2);
  EXPECT_NE(html_report("r", {{"a", "b"}}, lines).find("<polyline"), std::string::npos);
}

TEST_F(TrainerTest, StopsWhenGradientsStayNotFinite) {
  config_.optimizer.max_bad_steps = 3;
  ToyModel model;
  const std::string before = bytes_of(model);
  model.poisoned = true;
  Trainer trainer(config_, folder_ / "bad", *maker_, model);
  ASSERT_TRUE(trainer.start_fresh().ok());
  const Status ran = trainer.run([] { return ok_status(); });
  ASSERT_FALSE(ran.ok());
  EXPECT_EQ(ran.error().kind, ErrorKind::exhausted);
  EXPECT_EQ(bytes_of(model), before);
}

TEST_F(TrainerTest, DamagedCheckpointsAreErrors) {
  train("run", 4, false);
  const fs::path checkpoint = *newest_checkpoint(folder_ / "run/checkpoints");
  const std::string state = read_file(checkpoint / "state.json").value(),
                    tensors = read_file(checkpoint / "state.safetensors").value();
  const auto error_of = [&] {
    ToyModel model;
    Trainer trainer(config_, folder_ / "run", *maker_, model);
    const Status started = trainer.start_from_checkpoint();
    return started.ok() ? std::string() : started.error().message;
  };
  EXPECT_EQ(error_of(), "");
  for (const char* bad : {"", "{}", "{\"step\": 4", "[1]", "{\"step\": \"x\"}"}) {
    ASSERT_TRUE(write_file(checkpoint / "state.json", bad).ok());
    EXPECT_NE(error_of(), "") << bad;
  }
  ASSERT_TRUE(write_file(checkpoint / "state.json", state).ok());
  ASSERT_TRUE(write_file(checkpoint / "state.safetensors", tensors.substr(0, tensors.size() - 8)).ok());
  EXPECT_NE(error_of(), "");
}

TEST(RunConfigs, EveryRunFileParses) {
  int count = 0;
  for (const auto& entry : fs::directory_iterator(fs::path(MELETE_SOURCE_DIR) / "runs")) {
    if (entry.path().extension() != ".toml") continue;
    ++count;
    const auto config = read_config<TrainConfig>(entry.path());
    EXPECT_TRUE(config.ok()) << config.error().message;
  }
  EXPECT_GE(count, 2);
}

TEST(RunConfigs, BadFieldsAreNamed) {
  const auto message = [](const std::string& assignment) {
    const auto config = parse_config<TrainConfig>("", {assignment});
    return config.ok() ? std::string() : config.error().message;
  };
  EXPECT_EQ(message("schedule.steps=5000"), "");
  for (const auto& [assignment, named] :
       std::vector<std::pair<std::string, std::string>>{{"schedule.steps=0", "steps"},
                                                        {"schedule.stepz=5", "steps"},
                                                        {"optimizer.adam_beta2=1", "adam_beta2"},
                                                        {"model.text.kv_heads=3", "num_key_value_heads"},
                                                        {"data.micro_batches=0", "micro_batches"},
                                                        {"mixture.instant_share=2", "instant_share"},
                                                        {"run.name=../x", "name"},
                                                        {"model.audio.widths=[1,2]", "audio.widths"},
                                                        {"model.text.layers=0", "text.layers"},
                                                        {"model.text.layers=99999999999", "text.layers"}})
    EXPECT_NE(message(assignment).find(named), std::string::npos)
        << assignment << ": " << message(assignment);
}

TEST(RunConfigs, ResumeNamesWhatMustStay) {
  TrainConfig before, after;
  after.schedule.steps = 77;
  after.mixture.instant_share = 0.1;
  EXPECT_EQ(changed_fields(before, after),
            (std::vector<std::string>{"mixture.instant_share", "schedule.steps"}));
  EXPECT_EQ(resume_problem(before, after), "");
  after.model.text.width = 512;
  EXPECT_NE(resume_problem(before, after).find("model.text.width"), std::string::npos);
}

}  // namespace
}  // namespace melete
