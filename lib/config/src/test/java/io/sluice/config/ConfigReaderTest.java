package io.sluice.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.typesafe.config.ConfigFactory;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.junit.jupiter.api.Test;

class ConfigReaderTest {
  private enum Method {
    STANDARD,
    MIN_MAX
  }

  @Test
  void readsEveryKindOfValue() {
    var problems = new Problems();
    var reader =
        new ConfigReader(
            ConfigFactory.parseString(
                """
                count = 3, ratio = 0.5, on = true, text = "a b", wait = 90 s, size = 2 MiB
                zone = Europe/Berlin, at = "2024-01-01T01:00:00+01:00", method = min-max
                methods = [standard, min-max], names = [x, y], sizes = [4, 8], levels = [0.1, 0.9]
                options { sep = ";", header = true }, nothing = null
                """),
            "",
            problems);

    assertThat(reader.intAtLeast("count", 1)).isEqualTo(3);
    assertThat(reader.longValue("count")).isEqualTo(3L);
    assertThat(reader.numberBetween("ratio", 0, 1)).isEqualTo(0.5);
    assertThat(reader.positiveUpTo("ratio", 1)).isEqualTo(0.5);
    assertThat(reader.flag("on")).isTrue();
    assertThat(reader.string("text")).isEqualTo("a b");
    assertThat(reader.positiveDuration("wait")).isEqualTo(Duration.ofSeconds(90));
    assertThat(reader.bytes("size")).isEqualTo(2L << 20);
    assertThat(reader.zone("zone")).isEqualTo(ZoneId.of("Europe/Berlin"));
    assertThat(reader.optionalInstant("at")).contains(Instant.parse("2024-01-01T00:00:00Z"));
    assertThat(reader.choice("method", Method.class)).isEqualTo(Method.MIN_MAX);
    assertThat(reader.choices("methods", Method.class))
        .containsExactly(Method.STANDARD, Method.MIN_MAX);
    assertThat(reader.strings("names")).containsExactly("x", "y");
    assertThat(reader.intsAtLeast("sizes", 1)).containsExactly(4, 8);
    assertThat(reader.numbersWithin("levels", 0, 1)).containsExactly(0.1, 0.9);
    assertThat(reader.stringMap("options")).isEqualTo(Map.of("sep", ";", "header", "true"));
    assertThat(reader.optionalString("nothing")).isEmpty();
    assertThat(reader.optionalInstant("nothing")).isEmpty();
    assertThat(reader.optionalIntAtLeast("nothing", 1)).isEmpty();
    assertThat(problems.messages()).isEmpty();
  }

  @Test
  void aDefaultIsToldByItsValueAndNotByWhoSetIt() {
    Settings settings =
        Settings.parse(
            "text { truncate = end, max-tokens = 400.0, unicode = nfc, line-end = \"|\" }",
            "text.punctuation=keep",
            "text.tokens=null");
    List<String> keys =
        List.of(
            "truncate",
            "max-tokens",
            "punctuation",
            "tokens",
            "classes",
            "vocabulary.pad",
            "unicode",
            "line-end");

    List<Boolean> defaults =
        settings.read(root -> root.section("text", t -> keys.stream().map(t::isDefault).toList()));

    assertThat(defaults).containsExactly(true, true, true, true, true, true, false, false);
  }

  @Test
  void requiredSettingWithoutValueIsNamed() {
    assertProblem("path = null", r -> r.string("path"), "path: is required (a string)");
  }

  @Test
  void fractionIsNoInteger() {
    assertProblem("layers = 1.5", r -> r.intAtLeast("layers", 1), "must be an integer, but is 1.5");
  }

  @Test
  void boundsAreInTheMessage() {
    assertProblem(
        "share = 1.5",
        r -> r.numberBetween("share", 0, 1),
        "must be between 0.0 and 1.0, but is 1.5");
    assertProblem("rate = 0", r -> r.positiveUpTo("rate", 1), "must be in (0, 1.0], but is 0.0");
    assertProblem(
        "threads = 99", r -> r.intBetween("threads", 1, 64), "must be between 1 and 64, but is 99");
    assertProblem(
        "sizes = [4, 0]",
        r -> r.intsAtLeast("sizes", 1),
        "must have values of at least 1, but value 2 is 0");
    assertProblem(
        "levels = [0.1, 1.0]",
        r -> r.numbersWithin("levels", 0, 1),
        "must have values in (0.0, 1.0), but value 2 is 1.0");
  }

  @Test
  void timesSayWhatTheyShouldLookLike() {
    assertProblem(
        "wait = \"soon\"",
        r -> r.positiveDuration("wait"),
        "must be a duration such as \"10 minutes\", but is \"soon\"");
    assertProblem(
        "wait = 0 s", r -> r.positiveDuration("wait"), "must be longer than zero, but is 0 s");
    assertProblem(
        "zone = Berlin",
        r -> r.zone("zone"),
        "must be a time zone such as UTC or Europe/Berlin, but is \"Berlin\"");
    assertProblem(
        "at = \"2024-01-01\"",
        r -> r.optionalInstant("at"),
        "must be an instant such as 2024-01-01T00:00:00Z, but is \"2024-01-01\"");
  }

  @Test
  void choicesNameTheNearMiss() {
    assertProblem(
        "methods = [standart]",
        r -> r.choices("methods", Method.class),
        "must have values of [standard, min-max], but has \"standart\"; did you mean standard?");
  }

  private static void assertProblem(String hocon, Function<ConfigReader, ?> read, String expected) {
    var problems = new Problems();

    read.apply(new ConfigReader(ConfigFactory.parseString(hocon), "", problems));

    assertThat(problems.messages()).singleElement().asString().endsWith(expected);
  }

  @Test
  void keysAreKebabCaseAndSectionsStaySections() {
    for (Map.Entry<String, com.typesafe.config.ConfigValue> entry :
        Settings.reference().entrySet()) {
      assertThat(entry.getKey().split("\\."))
          .as(entry.getKey())
          .allMatch(k -> k.matches("[a-z0-9-]+"));
    }
    assertThatThrownBy(() -> Settings.parse("simulate = 3").read(r -> null))
        .hasMessageContaining("simulate ((text): 1): must be a section { … }, but is 3");
    assertThat(List.of(Settings.parse("name = x").source())).containsExactly("(text)");
  }
}
