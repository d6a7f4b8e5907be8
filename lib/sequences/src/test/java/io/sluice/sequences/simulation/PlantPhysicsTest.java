package io.sluice.sequences.simulation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.Random;
import java.util.function.DoubleUnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class PlantPhysicsTest {

  @Test
  void pumpFollowsTheAffinityLawsAlongOneLine() {
    // h = 1.25 n² − 0.25 q² and h = 0.25 + 0.75 q² give n² = (0.25 + q²)/1.25 and constant q/n only
    // far from shut-off, so the law is checked on head and flow of the pump curve itself
    var pump = new Pump(new Random(1));
    double[] low = settled(pump, 0.6, 0);
    double[] high = settled(pump, 1.0, 0);

    double n = at(low, Channel.OUTPUT) / at(high, Channel.OUTPUT);
    double q = at(low, Channel.FLOW) / at(high, Channel.FLOW);
    double h = at(low, Channel.PRESSURE) / at(high, Channel.PRESSURE);

    // at q = 1: n = 1, h = 1; elsewhere h + 0.25 q² = 1.25 n²
    assertThat(at(high, Channel.OUTPUT)).isCloseTo(100, within(1e-9));
    assertThat(h + 0.25 * q * q).isCloseTo(1.25 * n * n, within(1e-12));
    assertThat(q).isCloseTo(0.6, within(1e-12));
  }

  @Test
  void pumpPowerIsHydraulicPowerOverEfficiency() {
    var pump = new Pump(new Random(1));

    double[] rated = settled(pump, 1.0, 0);

    double hydraulic = at(rated, Channel.FLOW) / 3600 * at(rated, Channel.PRESSURE) * 1e5 / 1000;
    assertThat(at(rated, Channel.POWER)).isCloseTo(hydraulic / 0.80, within(1e-9 * hydraulic));
  }

  @Test
  void wornPumpNeedsMoreSpeedAndPowerForTheSameFlow() {
    var pump = new Pump(new Random(1));

    double[] fresh = settled(pump, 0.8, 0);
    double[] worn = settled(pump, 0.8, 0.95);

    assertThat(at(worn, Channel.FLOW)).isEqualTo(at(fresh, Channel.FLOW));
    assertThat(at(worn, Channel.OUTPUT)).isGreaterThan(1.04 * at(fresh, Channel.OUTPUT));
    assertThat(at(worn, Channel.POWER)).isGreaterThan(1.10 * at(fresh, Channel.POWER));
    assertThat(at(worn, Channel.VIBRATION)).isBetween(3.0, 6.0);
  }

  @Test
  void windingReachesItsTemperatureLikeAFirstOrderLag() {
    var motor = new Motor(new Random(1));
    double[] cold = settled(motor, 0.4, 0);
    double start = at(cold, Channel.TEMPERATURE);
    double end = at(settled(new Motor(new Random(1)), 1.0, 0), Channel.TEMPERATURE);

    var truth = new double[Channel.COUNT];
    for (int i = 0; i < 250; i++) { // 2.5 h: one time constant
      motor.advance(new Machine.Conditions(0.01, 1.0, 15, 0, true), truth);
    }

    // slower than 1 − 1/e, because copper losses grow with the temperature they cause: the gain of
    // that loop at rated current and speed is 62/0.073 · 0.045 · 0.004
    double gain = 62 / 0.073 * 0.045 * 0.004;
    double reached = (at(truth, Channel.TEMPERATURE) - start) / (end - start);
    assertThat(reached).isCloseTo(1 - Math.exp(-(1 - gain)), within(0.002));
  }

  @Test
  void valvePassesWhatItsCharacteristicSays() {
    var random = new Random(1);
    var valve = new ControlValve(random);
    double[] rated = valve.rated();

    double[] state = settled(valve, 0.7, 0);

    double drop = at(state, Channel.PRESSURE);
    double capacity = 1.25 * rated[Channel.FLOW.ordinal()];
    double perRootBar = capacity / Math.sqrt(rated[Channel.PRESSURE.ordinal()]);
    double flow = perRootBar * Math.sqrt(drop) * Math.pow(30, at(state, Channel.OUTPUT) / 100 - 1);
    assertThat(at(state, Channel.FLOW)).isCloseTo(flow, within(1e-9 * flow));
    assertThat(at(state, Channel.FLOW) / rated[Channel.FLOW.ordinal()])
        .isCloseTo(0.7, within(1e-9));
  }

  @Test
  void stickingStemIgnoresSmallMovesAndJumpsAtLargeOnes() {
    var valve = new ControlValve(new Random(1));
    double before = at(advanced(valve, 0.70, 0.9), Channel.OUTPUT);

    double small = at(advanced(valve, 0.73, 0.9), Channel.OUTPUT);
    double large = at(advanced(valve, 0.95, 0.9), Channel.OUTPUT);

    assertThat(small).isEqualTo(before);
    assertThat(large).isGreaterThan(before + 4);
  }

  @Test
  void exchangerBalancesHeatAndLosesItsOutletTemperatureWhenFouled() {
    var exchanger = new HeatExchanger(new Random(1));

    double[] clean = settled(exchanger, 0.9, 0);
    double[] fouled = settled(exchanger, 1.0, 1, 26);

    double capacity = 998 * 4.18 / 3600 * at(clean, Channel.FLOW);
    assertThat(at(clean, Channel.TEMPERATURE)).isCloseTo(48, within(1e-3));
    assertThat(at(clean, Channel.POWER)).isCloseTo(capacity * 20, within(1e-3 * capacity * 20));
    assertThat(at(fouled, Channel.OUTPUT)).isEqualTo(100);
    assertThat(at(fouled, Channel.TEMPERATURE)).isGreaterThan(49);
  }

  @ParameterizedTest
  @EnumSource(Kind.class)
  void vibrationRisesWithWearAndFallsSilentAtStandstill(Kind kind) {
    DoubleUnaryOperator vibration =
        wear -> at(settled(kind.build(new Random(3)), 0.75, wear), Channel.VIBRATION);

    assertThat(List.of(0.0, 0.3, 0.6, 0.8, 1.0))
        .extracting(vibration::applyAsDouble)
        .isSorted()
        .satisfies(v -> assertThat(v.get(4)).isGreaterThan(3 * v.get(0)));
    var truth = new double[Channel.COUNT];
    kind.build(new Random(3)).advance(new Machine.Conditions(0.1, 0.75, 15, 0.5, false), truth);
    assertThat(at(truth, Channel.VIBRATION)).isLessThan(0.1);
    assertThat(at(truth, Channel.FLOW)).isZero();
    assertThat(at(truth, Channel.POWER)).isZero();
  }

  @Test
  void slowProcessForgetsAtItsTimeConstantWhateverTheStep() {
    for (double step : new double[] {0.5, 2}) {
      var process = new OrnsteinUhlenbeck(1.5, 8, new Random(5));
      int n = 200_000;
      var x = new double[n];
      for (int i = 0; i < n; i++) {
        x[i] = process.advance(step);
      }

      int lag = (int) (8 / step);
      double variance = 0;
      double covariance = 0;
      for (int i = lag; i < n; i++) {
        variance += x[i] * x[i];
        covariance += x[i] * x[i - lag];
      }
      // n·step/(2τ) ≥ 6,250 independent values: about 1.5 %
      assertThat(Math.sqrt(variance / (n - lag))).isCloseTo(1.5, within(0.06));
      assertThat(covariance / variance).isCloseTo(Math.exp(-1), within(0.05));
    }
  }

  private static double[] settled(Machine machine, double demand, double wear) {
    return settled(machine, demand, wear, 15);
  }

  private static double[] settled(Machine machine, double demand, double wear, double ambient) {
    var truth = new double[Channel.COUNT];
    for (int i = 0; i < 200; i++) {
      machine.advance(new Machine.Conditions(0.5, demand, ambient, wear, true), truth);
    }
    return truth;
  }

  private static double[] advanced(Machine machine, double demand, double wear) {
    var truth = new double[Channel.COUNT];
    machine.advance(new Machine.Conditions(0.1, demand, 15, wear, true), truth);
    return truth;
  }

  private static double at(double[] truth, Channel channel) {
    return truth[channel.ordinal()];
  }
}
