package io.sluice.report;

import java.util.Locale;
import java.util.Map;
import java.util.StringJoiner;

/** Numbers and names as a person reads them. */
final class Wording {
  private static final Map<String, String> ACRONYMS =
      Map.ofEntries(
          Map.entry("mae", "MAE"),
          Map.entry("mse", "MSE"),
          Map.entry("rmse", "RMSE"),
          Map.entry("mape", "MAPE"),
          Map.entry("smape", "sMAPE"),
          Map.entry("mase", "MASE"),
          Map.entry("f1", "F1"),
          Map.entry("roc", "ROC"),
          Map.entry("pr", "PR"),
          Map.entry("auc", "AUC"),
          Map.entry("arima", "ARIMA"),
          Map.entry("scaled", "(scaled)"),
          Map.entry("uncapped", "(uncapped)"));

  /** "mse-scaled" as "MSE (scaled)", "last-value" as "Last value". */
  static String title(String name) {
    var title = new StringJoiner(" ");
    for (String word : name.split("-")) {
      title.add(ACRONYMS.getOrDefault(word, word));
    }
    String text = title.toString();
    boolean startsWithAcronym = text.isEmpty() || ACRONYMS.containsKey(name.split("-")[0]);
    return startsWithAcronym
        ? text
        : text.substring(0, 1).toUpperCase(Locale.ROOT) + text.substring(1);
  }

  /** A title inside a sentence: "seasonal naive daily". */
  static String inSentence(String name) {
    String title = title(name);
    boolean startsPlain = title.length() > 1 && Character.isLowerCase(title.charAt(1));
    return startsPlain
        ? title.substring(0, 1).toLowerCase(Locale.ROOT) + title.substring(1)
        : title;
  }

  /** About four significant digits. */
  static String number(double value) {
    double magnitude = Math.abs(value);
    if (magnitude != 0 && (magnitude < 1e-4 || magnitude >= 1e7)) {
      return String.format(Locale.ROOT, "%.3e", value);
    }
    int decimals =
        magnitude >= 1000 ? 0 : magnitude >= 100 ? 1 : magnitude >= 10 ? 2 : magnitude >= 1 ? 3 : 4;
    return String.format(Locale.ROOT, "%,." + decimals + "f", value);
  }

  static String count(long value) {
    return String.format(Locale.ROOT, "%,d", value);
  }

  /** "32 %", with a decimal below ten. */
  static String percent(double share) {
    double percent = 100 * share;
    return String.format(
        Locale.ROOT, Math.abs(percent) < 10 ? "%.1f\u00a0%%" : "%.0f\u00a0%%", percent);
  }

  private Wording() {}
}
