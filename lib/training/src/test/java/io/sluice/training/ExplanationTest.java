package io.sluice.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.config.InvalidConfigException;
import io.sluice.config.Settings;
import io.sluice.recurrent.model.ModelSettings;
import io.sluice.sequences.dataset.TinyDataset;
import io.sluice.sequences.text.dataset.Padding;
import java.io.IOException;
import java.nio.file.Path;
import java.util.OptionalDouble;
import org.apache.spark.SparkConf;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is told of a run before it begins. No session is opened. */
class ExplanationTest {
  @TempDir Path folder;

  private String explain(String master, String... overrides) {
    var all = new String[overrides.length + 1];
    all[0] = "dataset.path=\"" + folder.resolve("data") + "\"";
    System.arraycopy(overrides, 0, all, 1, overrides.length);
    Settings settings = Settings.parse("model.hidden-sizes = [24, 16], train.batch-size = 32", all);
    return Trainer.explain(
        new SparkConf(false).set("spark.master", master),
        settings.read(TrainSettings::from),
        settings.read(ModelSettings::from));
  }

  @Test
  void aPipelineIsShownAsItIsPlanned() throws IOException {
    TinyDataset.forecast().days(16).write(folder.resolve("data"));

    String text = explain("yarn", "train.strategy=pipeline", "train.pipeline.placement=[0,1]");

    assertThat(text)
        .startsWith("dataset\n")
        .containsPattern("data: [\\d,]+ windows of \\d+ x \\d+ to train on\nmodel\nlayer ")
        .containsPattern(
            "\npipeline\nstage  layers +parameters  MiB memory  share of compute +MiB sent\n0 +recurrent layer 0 .*\n1 +recurrent layer 1 and head .*\nexpected: [\\d,]+ windows/s, .* stages wait [\\d.]+ % of the time; ")
        .endsWith(
            "\nplanned for 1 replica of 2 pipeline stages of 32 windows a step each, whatever memory executors have; a run plans again within that");
    assertThat(explain("yarn", "train.strategy=pipeline", "train.workers=4"))
        .contains("planned for 2 replicas of 2 pipeline stages of 16 windows a step each");
    assertThat(
            explain(
                "yarn", "train.strategy=pipeline", "train.workers=4", "train.batch-per-worker=8"))
        .contains("planned for 2 replicas of 2 pipeline stages of 16 windows a step each");
    assertThat(explain("yarn", "train.strategy=pipeline", "device=gpu"))
        .containsPattern(
            "\nmemory of the stages' GPUs: about \\d+ MiB and \\d+ MiB; the times above are a core's\n");
  }

  @Test
  void layersThatLearnAtRatesOfTheirOwnAreNamed() throws IOException {
    TinyDataset.forecast().days(16).write(folder.resolve("data"));

    String text =
        explain(
            "local[2]",
            "train.fine-tune.layer-decay=4",
            "train.fine-tune.gradual-unfreezing=true",
            "train.epochs=2");

    assertThat(text)
        .contains(
            "\nshares of the learning rate: recurrent-0 0.0625 never (train.epochs is 2), recurrent-1 0.250 from epoch 2 on, head 1.00 from epoch 1 on\n");
  }

  @Test
  void otherRunsShowTheirNetworkAndTheMemoryOfAProcess() throws IOException {
    TinyDataset.forecast().days(16).write(folder.resolve("data"));

    for (String master : new String[] {"local[2]", "yarn"}) {
      assertThat(explain(master))
          .contains("\nmodel\nlayer ")
          .contains(
              "\nnative memory of each training process, a thread's share of a batch in one piece: about ")
          .doesNotContain("pipeline");
    }
  }

  @Test
  void settingsThatDoNotFitTheDatasetAreRefusedHereToo() throws IOException {
    TinyDataset.forecast().days(16).write(folder.resolve("data"));

    assertThatThrownBy(() -> explain("local[2]", "train.max-false-alarm-rate=0.03"))
        .isInstanceOf(InvalidConfigException.class)
        .hasMessageContaining("train.max-false-alarm-rate: must be null, because");
  }

  @Test
  void paddingIsToldWithWhatToDoWhereItIsMuch() {
    TrainSettings settings =
        Settings.parse("dataset.path = reviews, train.batch-size = 96").read(TrainSettings::from);

    assertThat(Explanation.padding(new Padding(8, OptionalDouble.of(0.0404)), settings))
        .isEqualTo(
            "padding: about 4.0 % of the computed steps, with 8 batches mixed with one another");
    assertThat(Explanation.padding(new Padding(1, OptionalDouble.of(0.153)), settings))
        .isEqualTo(
            "padding: about 15.3 % of the computed steps, with batches of neighbours in length. The documents are few for their range of lengths: lower train.batch-size (96), build with more of them, or with a smaller text.max-tokens.");
    assertThat(Explanation.padding(new Padding(8, OptionalDouble.empty()), settings))
        .isEqualTo(
            "padding: not known, because reviews was built before lengths were written down to the token; build it again with build-sequences");
  }

  @Test
  void aDatasetThatIsNotThereYetIsWaitedFor() {
    assertThat(explain("yarn", "train.strategy=pipeline"))
        .isEqualTo(
            "model and pipeline: to be told once build-sequences has run. The dataset at %s does not exist. Check the path, or run the job that writes it."
                .formatted(folder.resolve("data")));
    assertThat(explain("yarn")).startsWith("model: to be told once build-sequences has run. The ");
  }

  @Test
  void aPipelineThatCannotBeIsRefused() throws IOException {
    TinyDataset.forecast().days(16).write(folder.resolve("data"));

    assertThatThrownBy(() -> explain("yarn", "train.strategy=pipeline", "train.pipeline.stages=4"))
        .isInstanceOf(InvalidConfigException.class)
        .hasMessageContaining("train.pipeline.stages must be 1 to 3, one for each of 2 recurrent");
  }
}
