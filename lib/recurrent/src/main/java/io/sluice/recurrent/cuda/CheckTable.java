package io.sluice.recurrent.cuda;

import java.io.PrintStream;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/** Collects how far results are from what was expected, and prints who passed. */
final class CheckTable {
  private static final class Row {
    int cases;
    int failed;
    double y;
    double dx;
    double states;
    double gradients;
    double ofAllowed;
  }

  private final PrintStream out;
  private final Map<String, Row> rows = new LinkedHashMap<>();
  private int failures;
  private int cases;

  CheckTable(PrintStream out) {
    this.out = out;
  }

  /** A case that compares tensors. */
  interface Case {
    void run(Comparison comparison);
  }

  /** Errors of one case. */
  static final class Comparison {
    private double y;
    private double dx;
    private double states;
    private double gradients;
    private double ofAllowed;
    private String worst = "";

    /** Errors count relative to 1 + what was expected. NaN never passes. */
    void close(String tensor, double[] actual, double[] expected, double allowed) {
      if (actual.length != expected.length) {
        throw new IllegalStateException(
            "%s has %d numbers, expected %d".formatted(tensor, actual.length, expected.length));
      }
      double error = 0;
      for (int k = 0; k < actual.length; k++) {
        double of = Math.abs(actual[k] - expected[k]) / (1 + Math.abs(expected[k]));
        error = of <= error ? error : Double.isNaN(of) ? Double.POSITIVE_INFINITY : of;
      }
      switch (tensor) {
        case "y" -> y = error;
        case "dx" -> dx = error;
        case "gradients" -> gradients = error;
        default -> states = Math.max(states, error);
      }
      if (error / allowed >= ofAllowed) {
        ofAllowed = error / allowed;
        worst = "%s %.1e of %.1e".formatted(tensor, error, allowed);
      }
    }

    boolean passes() {
      return ofAllowed <= 1;
    }

    @Override
    public String toString() {
      return worst;
    }

    void require(boolean holds, String rule) {
      if (!holds) {
        throw new IllegalStateException(rule);
      }
    }
  }

  /**
   * Runs a case and goes on whatever comes of it.
   *
   * @param kind the row of the table that it counts in
   */
  void run(String kind, String name, Case body) {
    Row row = rows.computeIfAbsent(kind, k -> new Row());
    row.cases++;
    cases++;
    var comparison = new Comparison();
    String problem = null;
    try {
      body.run(comparison);
    } catch (RuntimeException | LinkageError e) {
      problem = e.toString();
    }
    row.y = Math.max(row.y, comparison.y);
    row.dx = Math.max(row.dx, comparison.dx);
    row.states = Math.max(row.states, comparison.states);
    row.gradients = Math.max(row.gradients, comparison.gradients);
    row.ofAllowed = Math.max(row.ofAllowed, comparison.ofAllowed);
    boolean passed = problem == null && comparison.passes();
    if (!passed) {
      row.failed++;
      failures++;
    }
    out.printf(
        "%s  %s: %s  %s%n",
        passed ? "PASS" : "FAIL", kind, name, problem == null ? comparison.worst : problem);
  }

  /** Whether every case passed, after the table of largest errors. */
  boolean print() {
    out.printf(
        "%n%-44s %6s %6s %9s %9s %9s %9s %8s%n",
        "largest error, relative to 1 + |expected|",
        "cases",
        "failed",
        "y",
        "dx",
        "states",
        "gradients",
        "allowed");
    rows.forEach(
        (kind, row) ->
            out.printf(
                Locale.ROOT,
                "%-44s %6d %6d %9.1e %9.1e %9.1e %9.1e %7.0f%%%n",
                kind,
                row.cases,
                row.failed,
                row.y,
                row.dx,
                row.states,
                row.gradients,
                100 * row.ofAllowed));
    out.printf("%d cases, %d failed%n", cases, failures);
    return failures == 0;
  }

  /** For a record: the same table. */
  Map<String, Object> record() {
    var record = new LinkedHashMap<String, Object>();
    rows.forEach(
        (kind, row) -> {
          var entry = new LinkedHashMap<String, Object>();
          entry.put("cases", row.cases);
          entry.put("failed", row.failed);
          entry.put("y", row.y);
          entry.put("dx", row.dx);
          entry.put("states", row.states);
          entry.put("gradients", row.gradients);
          entry.put("largestShareOfAllowed", row.ofAllowed);
          record.put(kind, entry);
        });
    return record;
  }
}
