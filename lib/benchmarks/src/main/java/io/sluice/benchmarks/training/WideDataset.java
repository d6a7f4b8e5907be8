package io.sluice.benchmarks.training;

import io.sluice.benchmarks.Telemetry;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.spark.sql.SparkSession;

/** A sequence dataset written once for all runs of a benchmark, and the configuration of a run. */
record WideDataset(Path config) {
  /**
   * Windows of {@code timeSteps} steps and {@code channels} inputs, all of which are predicted one
   * step ahead by two LSTM layers. What was written there before is taken as it is.
   *
   * @param windows of the train split
   */
  static WideDataset write(
      Path folder, String name, int timeSteps, int channels, int hidden, int windows)
      throws IOException {
    Path config = folder.resolve(name + ".conf");
    if (Files.exists(config)) {
      return new WideDataset(config);
    }
    Path raw = folder.resolve("raw-" + name);
    Path lake = folder.resolve("lake-" + name);
    int validation = 256;
    int train = windows + timeSteps;
    String split =
        "split { unit = rows, train = %d, validation = %d, test = 0, embargo = 0 }"
            .formatted(train, validation);
    String window = "window { look-back = %d, horizon = 1, stride = 1 }".formatted(timeSteps);
    try (SparkSession spark = Telemetry.spark(2)) {
      Telemetry.rows(spark, channels, 1, train + validation, -1).write().parquet(raw.toString());
      Telemetry.build(spark, Telemetry.settings(raw, lake, window, split));
    }
    Files.writeString(
        config,
        """
        name = benchmark
        lake.root = "%s"
        model { hidden-sizes = [%d, %d] }
        train {
          optimizer = adam, learning-rate = 1.0e-3, schedule = constant
          early-stopping-patience = 0
          log-every-steps = 1
          checkpoint { every-epochs = 1000, every = 0 seconds, resume = false }
        }
        """
            .formatted(lake, hidden, hidden));
    return new WideDataset(config);
  }
}
