package io.sluice.scoring.baseline;

import java.io.Serializable;
import java.util.List;
import jdplus.toolkit.base.api.arima.SarimaOrders;

/**
 * Orders of a seasonal ARIMA (p, d, q)(P, D, Q) with a season of {@code period} steps.
 *
 * @param period steps a season; 1 = no seasonal part
 */
public record ArimaOrders(
    int p, int d, int q, int seasonalP, int seasonalD, int seasonalQ, int period)
    implements Serializable {

  /** Orders from the two triples of the settings. */
  public static ArimaOrders of(List<Integer> regular, List<Integer> seasonal, int period) {
    boolean isSeasonal = period > 1;
    return new ArimaOrders(
        regular.get(0),
        regular.get(1),
        regular.get(2),
        isSeasonal ? seasonal.get(0) : 0,
        isSeasonal ? seasonal.get(1) : 0,
        isSeasonal ? seasonal.get(2) : 0,
        Math.max(1, period));
  }

  /** Whether the model is of differences, so that it has no mean of its own. */
  boolean isDifferenced() {
    return d + seasonalD > 0;
  }

  int parameters() {
    return p + q + seasonalP + seasonalQ;
  }

  /**
   * The shortest run of values that the model is fitted on: what differencing uses up, and then
   * three seasons or ten values a parameter, whichever is longer.
   */
  public int leastRun() {
    return d + seasonalD * period + Math.max(3 * period, 10 * (parameters() + 1));
  }

  SarimaOrders toSarima() {
    var orders = new SarimaOrders(period);
    orders.setRegular(p, d, q);
    orders.setSeasonal(seasonalP, seasonalD, seasonalQ);
    return orders;
  }

  @Override
  public String toString() {
    return period > 1
        ? "(%d,%d,%d)(%d,%d,%d)%d".formatted(p, d, q, seasonalP, seasonalD, seasonalQ, period)
        : "(%d,%d,%d)".formatted(p, d, q);
  }
}
