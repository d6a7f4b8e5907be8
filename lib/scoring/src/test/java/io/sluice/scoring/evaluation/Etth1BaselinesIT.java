package io.sluice.scoring.evaluation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.sluice.config.Provenance;
import io.sluice.config.Settings;
import io.sluice.recurrent.kernel.Cell;
import io.sluice.recurrent.kernel.Precision;
import io.sluice.recurrent.model.Head;
import io.sluice.recurrent.model.ModelSpec;
import io.sluice.recurrent.model.Networks;
import io.sluice.recurrent.model.OptimizerSpec;
import io.sluice.scoring.SparkExtension;
import io.sluice.scoring.bundle.BundleContents;
import io.sluice.scoring.bundle.BundlePublisher;
import io.sluice.scoring.evaluation.EvaluationReport.BaselineRow;
import io.sluice.sequences.dataset.SequenceDataset;
import io.sluice.sequences.telemetry.SequenceBuilder;
import io.sluice.sequences.telemetry.SequenceSettings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Baselines on ETTh1 by the published protocol, from raw CSV through the dataset, against the same
 * numbers computed from the CSV in ten lines.
 */
class Etth1BaselinesIT {
  private static final int TRAIN = 8640;
  private static final int TEST_FROM = 11_520;
  private static final int TEST_TO = 14_400;
  private static final int HORIZON = 24;

  @TempDir Path folder;

  @Test
  void baselinesEqualThoseComputedFromTheCsv() throws IOException {
    String root = System.getenv("SLUICE_ROOT");
    String data = System.getenv("SLUICE_DATA");
    Path csv = Path.of(data == null ? root + "/../shared/data" : data, "ett/ETTh1.csv");
    assumeTrue(Files.exists(csv), () -> csv + " is not there: set SLUICE_DATA to run this test");
    Settings settings =
        Settings.load(
            Path.of(root, "conf/etth1-24h.conf"),
            List.of(
                "source.path=\"" + csv.toAbsolutePath() + "\"",
                "lake.root=\"" + folder + "\"",
                "evaluate.gate-metric=null",
                "evaluate.gate-limit=null",
                "evaluate.gate-baseline=null",
                "evaluate.arima-max-windows=40",
                "evaluate.baselines=[last-value,seasonal-naive-daily,seasonal-naive-weekly,arima]"));
    SparkSession spark = SparkExtension.session();
    SequenceBuilder.build(spark, settings.read(SequenceSettings::from), Provenance.start(settings));
    EvaluateSettings evaluate = settings.read(EvaluateSettings::from);
    publishUntrained(evaluate);

    EvaluationReport report = Evaluation.run(spark, evaluate, new Configuration());

    double[][] y = scaledColumns(csv);
    assertThat(report.dataset().windows()).isEqualTo(TEST_TO - TEST_FROM - HORIZON + 1);
    // float32 values in the dataset
    assertThat(mse(report, "last-value")).isCloseTo(expected(y, 0), within(1e-5));
    assertThat(mse(report, "seasonal-naive-daily")).isCloseTo(expected(y, 24), within(1e-5));
    assertThat(mse(report, "seasonal-naive-weekly")).isCloseTo(expected(y, 168), within(1e-5));
    assertThat(report.baselines())
        .filteredOn(b -> !b.name().equals("arima"))
        .allMatch(b -> b.note().isEmpty());
    BaselineRow arima = row(report, "arima");
    assertThat(arima.count()).isEqualTo(40L * HORIZON * 7);
    assertThat(mse(report, "arima")).isLessThan(mse(report, "last-value"));
  }

  /** (7, 14400), scaled by mean and standard deviation of the train rows. */
  private static double[][] scaledColumns(Path csv) throws IOException {
    List<String> lines = Files.readAllLines(csv);
    var y = new double[7][TEST_TO];
    for (int t = 0; t < TEST_TO; t++) {
      String[] cells = lines.get(t + 1).split(",");
      for (int c = 0; c < 7; c++) {
        y[c][t] = Double.parseDouble(cells[c + 1]);
      }
    }
    for (double[] column : y) {
      double mean = Arrays.stream(column, 0, TRAIN).average().orElseThrow();
      double variance =
          Arrays.stream(column, 0, TRAIN).map(v -> (v - mean) * (v - mean)).sum() / TRAIN;
      Arrays.setAll(column, t -> (column[t] - mean) / Math.sqrt(variance));
    }
    return y;
  }

  private static double expected(double[][] y, int season) {
    double sum = 0;
    long n = 0;
    for (double[] column : y) {
      for (int o = TEST_FROM - 1; o + HORIZON < TEST_TO; o++) {
        for (int h = 1; h <= HORIZON; h++) {
          int from = season == 0 ? o : o + h - season * ((h + season - 1) / season);
          sum += Math.pow(column[from] - column[o + h], 2);
          n++;
        }
      }
    }
    return sum / n;
  }

  private static double mse(EvaluationReport report, String name) {
    return row(report, name).metrics().get("mse-scaled");
  }

  private static BaselineRow row(EvaluationReport report, String name) {
    return report.baselines().stream().filter(b -> b.name().equals(name)).findFirst().orElseThrow();
  }

  private void publishUntrained(EvaluateSettings settings) {
    var hadoop = new Configuration();
    SequenceDataset dataset = SequenceDataset.open(settings.dataset(), hadoop);
    var spec =
        new ModelSpec(
            dataset.contract().inputSize(),
            dataset.contract().lookBack(),
            Cell.LSTM,
            List.of(8),
            false,
            0,
            ModelSpec.Output.LAST,
            List.of(),
            1,
            Precision.F32,
            Head.regression(dataset.contract().targetSize()));
    BundlePublisher.publish(
        settings.registryPath(),
        settings.name(),
        Optional.empty(),
        Networks.create(spec, OptimizerSpec.constantAdam(1e-3), 1),
        new BundleContents(
            spec,
            dataset.manifest(),
            Map.of(),
            Optional.empty(),
            Provenance.start(Settings.parse(""))),
        hadoop);
  }
}
