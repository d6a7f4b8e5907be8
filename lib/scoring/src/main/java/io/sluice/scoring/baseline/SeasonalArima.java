package io.sluice.scoring.baseline;

import java.util.Arrays;
import java.util.Optional;
import jdplus.toolkit.base.api.data.DoubleSeq;
import jdplus.toolkit.base.core.data.DataBlock;
import jdplus.toolkit.base.core.regarima.RegArimaEstimation;
import jdplus.toolkit.base.core.regarima.RegArimaModel;
import jdplus.toolkit.base.core.regsarima.RegSarimaComputer;
import jdplus.toolkit.base.core.sarima.SarimaModel;
import jdplus.toolkit.base.core.ssf.State;
import jdplus.toolkit.base.core.ssf.StateInfo;
import jdplus.toolkit.base.core.ssf.UpdateInformation;
import jdplus.toolkit.base.core.ssf.arima.SsfArima;
import jdplus.toolkit.base.core.ssf.dk.DurbinKoopmanInitializer;
import jdplus.toolkit.base.core.ssf.univariate.IFilteringResults;
import jdplus.toolkit.base.core.ssf.univariate.OrdinaryFilter;
import jdplus.toolkit.base.core.ssf.univariate.Ssf;
import jdplus.toolkit.base.core.ssf.univariate.SsfData;

/**
 * A seasonal ARIMA of one channel of one series: fitted once by exact maximum likelihood, then
 * filtered over later values, so that each forecast uses all values up to its origin and none after
 * it, while the parameters stay those of the train rows.
 *
 * <p><b>Model.</b> φ(B) Φ(Bˢ) (1−B)ᵈ (1−Bˢ)ᴰ (y − μ) = θ(B) Θ(Bˢ) ε; μ is estimated where nothing
 * is differenced and 0 otherwise.
 *
 * <p><b>Missing values</b> are NaN. The fit takes the longest run without one; the filter steps
 * over them, its state growing less certain.
 *
 * <p><b>Cost.</b> Filtering is O(state²) a step, state = max(p + d + s(P + D), q + sQ + 1).
 *
 * <p><b>Source.</b> Estimation and state space form of JDemetra+ 3 ({@code RegSarimaComputer},
 * {@code SsfArima}); Durbin and Koopman, "Time Series Analysis by State Space Methods", 2nd ed.
 * 2012, chapters 3–5 for the diffuse start.
 */
public final class SeasonalArima {
  private final SarimaModel model;
  private final double mean;

  SeasonalArima(SarimaModel model, double mean) {
    this.model = model;
    this.mean = mean;
  }

  /**
   * Fits the model.
   *
   * @param y values on the grid, NaN where missing
   * @return empty if no run of values is long enough, its values are all equal, or the likelihood
   *     has no maximum that the library finds
   */
  public static Optional<SeasonalArima> fit(double[] y, ArimaOrders orders) {
    double[] run = longestRun(y);
    if (run.length < orders.leastRun() || isConstant(run)) {
      return Optional.empty();
    }
    boolean hasMean = !orders.isDifferenced();
    SarimaModel start = SarimaModel.builder(orders.toSarima()).setDefault().build();
    RegArimaModel<SarimaModel> regression = regression(run, start, hasMean);
    RegArimaEstimation<SarimaModel> estimate =
        RegSarimaComputer.builder().build().process(regression, null);
    if (estimate == null
        || !Double.isFinite(estimate.getConcentratedLikelihood().logLikelihood())) {
      return Optional.empty();
    }
    double mean = hasMean ? estimate.getConcentratedLikelihood().coefficients().get(0) : 0;
    return Optional.of(new SeasonalArima(estimate.getModel().arima(), mean));
  }

  // the library's builder returns itself without its type parameter
  @SuppressWarnings("unchecked")
  private static RegArimaModel<SarimaModel> regression(
      double[] run, SarimaModel start, boolean hasMean) {
    return RegArimaModel.<SarimaModel>builder()
        .y(DoubleSeq.of(run))
        .arima(start)
        .meanCorrection(hasMean)
        .build();
  }

  /**
   * Forecasts from several origins in one pass over the values.
   *
   * @param y (N) values on the grid, NaN where missing; the model may have been fitted on the first
   *     of them
   * @param origins indices into {@code y}, ascending; a forecast uses values up to and including
   *     its origin
   * @param H steps ahead
   * @return (origins, H)
   */
  public double[][] forecast(double[] y, int[] origins, int H) {
    var forecasts = new double[origins.length][H];
    if (origins.length == 0) {
      return forecasts;
    }
    int first = firstObserved(y);
    // one step past the last origin: the state there is predicted from the origin's value
    int length = Math.max(0, origins[origins.length - 1] + 2 - first);
    var centered = new double[length];
    Arrays.fill(centered, Double.NaN);
    for (int i = 0; i < length && first + i < y.length; i++) {
      centered[i] = y[first + i] - mean;
    }
    Ssf ssf = SsfArima.ssf(model);
    for (double[] forecast : forecasts) {
      Arrays.fill(forecast, Double.NaN);
    }
    var projection = new Projection(ssf, origins, first, mean, forecasts);
    new OrdinaryFilter(new DurbinKoopmanInitializer())
        .process(ssf, new SsfData(centered), projection);
    return forecasts;
  }

  /** The fitted parameters: φ, Φ, θ, Θ in the library's sign (polynomials 1 + φ₁B + …). */
  public double[] parameters() {
    return model.parameters().toArray();
  }

  private static int firstObserved(double[] y) {
    int first = 0;
    while (first < y.length && Double.isNaN(y[first])) {
      first++;
    }
    return first;
  }

  static double[] longestRun(double[] y) {
    int bestStart = 0;
    int bestEnd = 0;
    int start = 0;
    for (int i = 0; i <= y.length; i++) {
      if (i == y.length || Double.isNaN(y[i])) {
        if (i - start > bestEnd - bestStart) {
          bestStart = start;
          bestEnd = i;
        }
        start = i + 1;
      }
    }
    return Arrays.copyOfRange(y, bestStart, bestEnd);
  }

  private static boolean isConstant(double[] y) {
    return Arrays.stream(y).allMatch(v -> v == y[0]);
  }

  /** Runs the state ahead, without data, where an origin asks for it. */
  private static final class Projection implements IFilteringResults {
    private final Ssf ssf;
    private final int[] origins;
    private final int first;
    private final double mean;
    private final double[][] forecasts;
    private int next;

    Projection(Ssf ssf, int[] origins, int first, double mean, double[][] forecasts) {
      this.ssf = ssf;
      this.origins = origins;
      this.first = first;
      this.mean = mean;
      this.forecasts = forecasts;
    }

    @Override
    public void save(int t, State state, StateInfo info) {
      if (info != StateInfo.Forecast) {
        return;
      }
      // a state predicted for step t knows values up to t − 1
      int origin = t + first - 1;
      while (next < origins.length && origins[next] < origin) {
        next++; // inside the diffuse start: no forecast, stays NaN
      }
      while (next < origins.length && origins[next] == origin) {
        DataBlock a = DataBlock.of(state.a());
        double[] forecast = forecasts[next++];
        for (int h = 0; h < forecast.length; h++) {
          forecast[h] = mean + ssf.loading().ZX(t + h, a);
          ssf.dynamics().TX(t + h, a);
        }
      }
    }

    @Override
    public void save(int t, UpdateInformation update) {}

    @Override
    public void clear() {}
  }
}
