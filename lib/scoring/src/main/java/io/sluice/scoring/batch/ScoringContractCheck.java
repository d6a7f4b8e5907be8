package io.sluice.scoring.batch;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.config.NearMiss;
import io.sluice.failure.InvalidInputException;
import io.sluice.sequences.dataset.TimeAxis;
import io.sluice.sequences.dataset.WindowContract;
import io.sluice.sequences.source.RawTable;
import io.sluice.sequences.telemetry.Preparation;
import io.sluice.sequences.telemetry.SourceSettings;
import io.sluice.sequences.telemetry.SourceSettings.Layout;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.BooleanType;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DateType;
import org.apache.spark.sql.types.NumericType;
import org.apache.spark.sql.types.StringType;
import org.apache.spark.sql.types.TimestampNTZType;
import org.apache.spark.sql.types.TimestampType;

/**
 * Holds the columns of new raw data to the contract and the preparation in a bundle, before any row
 * is read, and names every one that does not fit.
 *
 * <p>Text files (csv, json) have no types that could be wrong before a value is parsed; what their
 * values say is judged row by row, as in training. Tags of a long table are data too: a channel
 * without a reading is found while scoring ({@link ObservedInputs}).
 */
final class ScoringContractCheck {
  private final RawTable table;
  private final SourceSettings source;
  private final boolean typed;
  private final List<String> problems = new ArrayList<>();

  private ScoringContractCheck(RawTable table, SourceSettings source) {
    this.table = table;
    this.source = source;
    this.typed = !source.format().equals("csv") && !source.format().equals("json");
  }

  /**
   * Refuses input that breaks the contract.
   *
   * @throws InvalidInputException that names every column and reason
   */
  static void require(
      SparkSession spark,
      String input,
      String bundle,
      WindowContract contract,
      JsonNode preparation) {
    SourceSettings source = Preparation.fromJson(preparation).source().at(input);
    RawTable table = RawTable.open(spark, source.table("score.input " + input));
    List<String> problems = mismatches(table, source, contract);
    if (!problems.isEmpty()) {
      throw new InvalidInputException(
          "%s does not fit the model %s, %d problem(s):%n  - %s%nGive data of the same columns as the training source, or train a model on this one."
              .formatted(
                  table.described(),
                  bundle,
                  problems.size(),
                  String.join("%n  - ".formatted(), problems)));
    }
  }

  /** Every way in which the table's columns break the contract, in the order of its columns. */
  static List<String> mismatches(RawTable table, SourceSettings source, WindowContract contract) {
    var check = new ScoringContractCheck(table, source);
    check.time();
    check.series();
    if (source.layout() == Layout.LONG) {
      check.requireColumn(source.columns().tag(), "the tags");
      check.numeric(source.columns().value(), "the readings");
      if (source.columns().quality() != null) {
        check.requireColumn(source.columns().quality(), "the quality flags");
      }
    } else {
      roles(contract).forEach(check::numeric);
    }
    if (source.columns().arrival() != null) {
      check.requireColumn(source.columns().arrival(), "the arrival times");
    }
    return List.copyOf(check.problems);
  }

  private static Map<String, String> roles(WindowContract contract) {
    var roles = new LinkedHashMap<String, String>();
    for (String channel : contract.channels()) {
      boolean input = contract.inputs().contains(channel);
      boolean target = contract.target().channels().contains(channel);
      roles.put(
          channel,
          input && target
              ? "an input and a target"
              : input ? "an input" : target ? "a target" : "known ahead");
    }
    return roles;
  }

  private void time() {
    String name = source.columns().time();
    Optional<DataType> type = requireColumn(name, "the time");
    if (type.isEmpty() || !typed) {
      return;
    }
    boolean number = type.get() instanceof NumericType;
    boolean text = type.get() instanceof StringType;
    boolean epoch = source.time().format() != null && source.time().format().startsWith("epoch-");
    if (source.time().type() == TimeAxis.Type.ORDINAL) {
      if (!number && !text) {
        wrongType(name, "the time", type.get(), "a whole number: the model counts cycles");
      }
    } else if (epoch) {
      if (!number && !text) {
        wrongType(name, "the time", type.get(), "a number (%s)".formatted(source.time().format()));
      }
    } else if (!text && !isTimestamp(type.get())) {
      wrongType(name, "the time", type.get(), "a time stamp: the model was trained on time stamps");
    }
  }

  private void series() {
    String name = source.columns().series();
    if (name != null) {
      requireColumn(name, "the series")
          .filter(type -> typed && isNested(type))
          .ifPresent(type -> wrongType(name, "the series", type, "a plain value"));
    }
  }

  private void numeric(String name, String role) {
    requireColumn(name, role)
        .filter(type -> typed)
        .filter(type -> !(type instanceof NumericType || type instanceof BooleanType))
        // a historian writes readings of all kinds as text
        .filter(type -> !(source.layout() == Layout.LONG && type instanceof StringType))
        .ifPresent(type -> wrongType(name, role, type, "a number"));
  }

  private Optional<DataType> requireColumn(String name, String role) {
    if (table.has(name)) {
      return Optional.of(table.type(name));
    }
    problems.add(
        "column \"%s\" (%s) is missing; %s"
            .formatted(name, role, NearMiss.suggestion(name, table.names())));
    return Optional.empty();
  }

  private void wrongType(String name, String role, DataType found, String wanted) {
    problems.add(
        "column \"%s\" (%s) has type %s, but must be %s"
            .formatted(name, role, found.simpleString(), wanted));
  }

  private static boolean isTimestamp(DataType type) {
    return type instanceof TimestampType
        || type instanceof TimestampNTZType
        || type instanceof DateType;
  }

  private static boolean isNested(DataType type) {
    return switch (type.typeName()) {
      case "array", "map", "struct", "binary" -> true;
      default -> false;
    };
  }
}
