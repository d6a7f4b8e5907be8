package io.sluice.sequences.source;

import io.sluice.failure.InvalidInputException;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What Spark says of a CSV file whose header is not the one it expects, in words for a person. */
final class CsvHeaders {
  private static final Pattern NAMES =
      Pattern.compile(" Header: (?<header>.*)\\R Schema: (?<schema>.*)\\R");
  private static final Pattern COUNTS =
      Pattern.compile("Header length: (?<header>\\d+), schema size: (?<schema>\\d+)");

  private CsvHeaders() {}

  /** True for a message that is about headers. */
  static boolean isMismatch(String text) {
    return text.contains("CSV header does not conform to the schema")
        || text.contains("Number of column in CSV header is not equal");
  }

  static InvalidInputException refusal(
      String source, String text, String fileOrNull, Throwable failure) {
    String file = fileOrNull == null ? "a file" : fileOrNull;
    Matcher names = NAMES.matcher(text);
    Matcher counts = COUNTS.matcher(text);
    String what = "its files have different columns";
    if (names.find()) {
      String twice = repeated(names.group("header"));
      if (twice != null) {
        return new InvalidInputException(
            "Cannot read %s: column %s occurs twice in the header of %s. Rename one of them."
                .formatted(source, twice, file),
            failure);
      }
      what =
          "%s has columns [%s] where another file has [%s]"
              .formatted(file, names.group("header"), names.group("schema"));
    } else if (counts.find()) {
      what =
          "%s has %s columns where another file has %s"
              .formatted(file, counts.group("header"), counts.group("schema"));
    }
    return new InvalidInputException(
        "Cannot read %s: %s. Give files of one header, or build from them one by one."
            .formatted(source, what),
        failure);
  }

  private static String repeated(String header) {
    List<String> names = Arrays.asList(header.split(", "));
    Set<String> seen = new HashSet<>();
    for (String name : names) {
      if (!seen.add(name.toLowerCase(Locale.ROOT))) {
        return name;
      }
    }
    return null;
  }
}
