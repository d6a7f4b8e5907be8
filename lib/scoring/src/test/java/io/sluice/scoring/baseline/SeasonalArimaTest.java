package io.sluice.scoring.baseline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import jdplus.toolkit.base.api.data.DoubleSeq;
import jdplus.toolkit.base.core.sarima.SarimaModel;
import jdplus.toolkit.base.core.ssf.arima.ExactArimaForecasts;
import org.junit.jupiter.api.Test;

class SeasonalArimaTest {
  private static final ArimaOrders AR1 = new ArimaOrders(1, 0, 0, 0, 0, 0, 1);

  @Test
  void firstOrderForecastsDecayGeometrically() {
    double phi = 0.8;
    double mean = 10;
    var arima = new SeasonalArima(SarimaModel.builder(AR1.toSarima()).phi(-phi).build(), mean);
    double[] y = {9, 12, 11, 14, 8};

    double[][] forecasts = arima.forecast(y, new int[] {1, 3, 4}, 3);

    // E[y(t+h) | y(t)] = μ + φʰ (y(t) − μ)
    for (int i = 0; i < 3; i++) {
      double last = y[new int[] {1, 3, 4}[i]] - mean;
      assertThat(forecasts[i])
          .containsExactly(
              new double[] {
                mean + phi * last, mean + phi * phi * last, mean + phi * phi * phi * last
              },
              within(1e-12));
    }
  }

  @Test
  void aRandomWalkHoldsTheLastValue() {
    var arima =
        new SeasonalArima(
            SarimaModel.builder(new ArimaOrders(0, 1, 0, 0, 0, 0, 1).toSarima()).build(), 0);

    double[][] forecasts = arima.forecast(new double[] {3, 1, 4, 1, 5}, new int[] {2, 4}, 2);

    assertThat(forecasts[0]).containsExactly(new double[] {4, 4}, within(1e-9));
    assertThat(forecasts[1]).containsExactly(new double[] {5, 5}, within(1e-9));
  }

  @Test
  void aSeasonalRandomWalkRepeatsTheSeason() {
    var arima =
        new SeasonalArima(
            SarimaModel.builder(new ArimaOrders(0, 0, 0, 0, 1, 0, 4).toSarima()).build(), 0);
    double[] y = {1, 2, 3, 4, 5, 6, 7, 8, 9};

    double[][] forecasts = arima.forecast(y, new int[] {8}, 6);

    assertThat(forecasts[0]).containsExactly(new double[] {6, 7, 8, 9, 6, 7}, within(1e-9));
  }

  @Test
  void forecastsFromOnePassEqualTheLibrarysOwnFromEachOrigin() {
    double[] y = seasonalWalk(600, 12, 3);
    var orders = new ArimaOrders(2, 1, 1, 1, 0, 1, 12);
    SeasonalArima arima = SeasonalArima.fit(Arrays.copyOf(y, 500), orders).orElseThrow();
    int[] origins = {500, 523, 598};

    double[][] forecasts = arima.forecast(y, origins, 20);

    for (int i = 0; i < origins.length; i++) {
      var judge = new ExactArimaForecasts();
      judge.prepare(
          SarimaModel.builder(orders.toSarima())
              .parameters(DoubleSeq.of(arima.parameters()))
              .build(),
          false);
      double[] expected =
          judge.forecasts(DoubleSeq.of(Arrays.copyOf(y, origins[i] + 1)), 20).toArray();
      assertThat(forecasts[i]).containsExactly(expected, within(1e-5));
    }
  }

  @Test
  void valuesAfterTheOriginDoNotReachItsForecast() {
    double[] y = seasonalWalk(400, 12, 5);
    SeasonalArima arima =
        SeasonalArima.fit(Arrays.copyOf(y, 300), new ArimaOrders(1, 1, 1, 1, 0, 1, 12))
            .orElseThrow();
    double[] changed = y.clone();
    Arrays.fill(changed, 351, 400, 1e6);

    assertThat(arima.forecast(changed, new int[] {350}, 12)[0])
        .isEqualTo(arima.forecast(y, new int[] {350}, 12)[0]);
  }

  @Test
  void theFitRecoversTheParametersOfASimulatedSeries() {
    var random = new Random(11);
    var y = new double[20_000];
    for (int t = 1; t < y.length; t++) {
      y[t] = 0.7 * y[t - 1] + random.nextGaussian();
    }

    SeasonalArima arima = SeasonalArima.fit(y, AR1).orElseThrow();

    // standard error √((1 − φ²) / n) = 0.005
    assertThat(-arima.parameters()[0]).isCloseTo(0.7, within(0.02));
  }

  @Test
  void gapsAreSteppedOver() {
    double phi = 0.5;
    var arima = new SeasonalArima(SarimaModel.builder(AR1.toSarima()).phi(-phi).build(), 0);
    double[] y = {Double.NaN, 4, 8, Double.NaN, Double.NaN};

    double[] forecast = arima.forecast(y, new int[] {4}, 1)[0];

    // three steps from the last value: 0.5³ · 8
    assertThat(forecast[0]).isCloseTo(1.0, within(1e-12));
  }

  @Test
  void aShortOrConstantSeriesIsNotFitted() {
    var constant = new double[500];
    Arrays.fill(constant, 3);

    assertThat(SeasonalArima.fit(new double[] {1, 2, 3}, AR1)).isEmpty();
    assertThat(SeasonalArima.fit(constant, AR1)).isEmpty();
    assertThat(SeasonalArima.longestRun(new double[] {1, Double.NaN, 2, 3, Double.NaN}))
        .containsExactly(2, 3);
  }

  /** The published ARIMA has MSE 0.108 on scaled OT at 24 h; a fitted seasonal one must be near. */
  @Test
  void oilTemperatureOfEtth1IsForecastAsWellAsPublished() throws IOException {
    Path file = data("ett/ETTh1.csv");
    List<String> lines = Files.readAllLines(file);
    double[] y =
        lines.stream()
            .skip(1)
            .limit(14_400)
            .mapToDouble(l -> Double.parseDouble(l.substring(l.lastIndexOf(',') + 1)))
            .toArray();
    double[] train = Arrays.copyOf(y, 8640);
    double mean = Arrays.stream(train).average().orElseThrow();
    double variance = Arrays.stream(train).map(v -> (v - mean) * (v - mean)).sum() / train.length;
    int[] origins = new int[200];
    for (int i = 0; i < origins.length; i++) {
      origins[i] = 11_519 + i * (2880 - 24) / 199;
    }

    long start = System.nanoTime();
    SeasonalArima arima =
        SeasonalArima.fit(train, new ArimaOrders(2, 1, 1, 1, 0, 1, 24)).orElseThrow();
    double fitSeconds = (System.nanoTime() - start) / 1e9;
    start = System.nanoTime();
    double[][] forecasts = arima.forecast(y, origins, 24);
    double filterSeconds = (System.nanoTime() - start) / 1e9;

    double sum = 0;
    for (int i = 0; i < origins.length; i++) {
      for (int h = 0; h < 24; h++) {
        double error = forecasts[i][h] - y[origins[i] + 1 + h];
        sum += error * error / variance;
      }
    }
    double mse = sum / (origins.length * 24);
    System.out.printf(
        "ARIMA on ETTh1 OT: MSE %.4f scaled, fit %.1f s, filter %.1f s%n",
        mse, fitSeconds, filterSeconds);
    assertThat(mse).isBetween(0.01, 0.108);
  }

  private static Path data(String name) {
    String root = System.getenv("SLUICE_DATA");
    Path folder =
        root != null ? Path.of(root) : Path.of(System.getenv("SLUICE_ROOT"), "../shared/data");
    Path file = folder.resolve(name);
    assumeTrue(Files.exists(file), () -> file + " is not there: set SLUICE_DATA to run this test");
    return file;
  }

  static double[] seasonalWalk(int n, int period, long seed) {
    var random = new Random(seed);
    var y = new double[n];
    for (int t = 0; t < n; t++) {
      double before = t > 0 ? y[t - 1] : 0;
      double season = 3 * Math.sin(2 * Math.PI * t / period);
      y[t] = 0.9 * before + season + random.nextGaussian();
    }
    return y;
  }
}
