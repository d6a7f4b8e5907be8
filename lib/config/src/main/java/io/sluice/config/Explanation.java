package io.sluice.config;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigObject;
import com.typesafe.config.ConfigRenderOptions;
import com.typesafe.config.ConfigUtil;
import com.typesafe.config.ConfigValue;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.TreeSet;

/** Lists settings with their origin, for {@code --explain} and for the log. */
final class Explanation {
  private static final int MAX_COLUMN = 60;

  private record Line(String setting, String origin) {
    boolean isDefault() {
      return origin.matches("conf/reference\\.conf: \\d+");
    }
  }

  private final List<Line> lines = new ArrayList<>();

  private Explanation() {}

  static String ofAll(Config origins, Config shown, Collection<String> sections) {
    return of(origins, shown, sections).text();
  }

  /**
   * Only what was set: values that stand in {@code reference.conf} and nowhere else are left out.
   */
  static String ofSet(Config origins, Config shown, Collection<String> sections) {
    Explanation explanation = of(origins, shown, sections);
    explanation.lines.removeIf(Line::isDefault);
    return explanation.text();
  }

  private static Explanation of(Config origins, Config shown, Collection<String> sections) {
    var explanation = new Explanation();
    for (String section : new TreeSet<>(sections)) {
      ConfigValue value = origins.root().get(section);
      if (value == null) {
        throw new IllegalArgumentException("no section %s in reference.conf".formatted(section));
      }
      explanation.add(section, value, shown.root().get(section));
    }
    return explanation;
  }

  private void add(String path, ConfigValue origin, ConfigValue shown) {
    if (origin instanceof ConfigObject object && !object.isEmpty()) {
      for (String key : new TreeSet<>(object.keySet())) {
        add(
            path + "." + ConfigUtil.quoteString(key).replaceAll("^\"([\\w-]+)\"$", "$1"),
            object.get(key),
            ((ConfigObject) shown).get(key));
      }
    } else {
      lines.add(
          new Line(
              path + " = " + shown.render(ConfigRenderOptions.concise()),
              ConfigReader.origin(origin)));
    }
  }

  private String text() {
    int column =
        Math.min(
            MAX_COLUMN, lines.stream().mapToInt(line -> line.setting().length()).max().orElse(0));
    var text = new StringBuilder();
    for (Line line : lines) {
      text.append(
          ("%-" + Math.max(1, column) + "s  # %s%n").formatted(line.setting(), line.origin()));
    }
    return text.toString();
  }
}
