package io.sluice.sequences.simulation;

import java.util.Locale;
import java.util.Random;

/** Kinds of units; they take turns along the unit numbers. */
enum Kind {
  PUMP {
    @Override
    Machine build(Random parameters) {
      return new Pump(parameters);
    }
  },
  MOTOR {
    @Override
    Machine build(Random parameters) {
      return new Motor(parameters);
    }
  },
  VALVE {
    @Override
    Machine build(Random parameters) {
      return new ControlValve(parameters);
    }
  },
  HEAT_EXCHANGER {
    @Override
    Machine build(Random parameters) {
      return new HeatExchanger(parameters);
    }
  };

  /** A machine of this kind with a size of its own. */
  abstract Machine build(Random parameters);

  String label() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  static Kind of(long unit) {
    return values()[(int) (unit % values().length)];
  }

  /** {@code pump-0001}: the name of a unit in every table. */
  static String unitName(long unit) {
    return "%s-%04d".formatted(of(unit).label(), unit + 1);
  }
}
