package io.sluice.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SettingsTest {
  @TempDir Path folder;

  @Test
  void reportsEveryProblemInOneExceptionWithFileAndLine() throws Exception {
    Path file = folder.resolve("train.conf");
    Files.writeString(
        file,
        """
        window {
          look-back = 0
          horizn = 24
          stride = "two"
        }
        scaling.method = standart
        """);

    assertThatThrownBy(() -> Settings.load(file, List.of()).read(SettingsTest::readSome))
        .isInstanceOf(InvalidConfigException.class)
        .hasMessage(
            """
            Invalid configuration %1$s, 4 problem(s):
              - window.horizn (%1$s: 3): is not a known setting; did you mean horizon?
              - window.look-back (%1$s: 2): must be at least 1, but is 0
              - window.stride (%1$s: 4): must be an integer, but is "two"
              - scaling.method (%1$s: 6): must be one of [standard, min-max], but is "standart"; did you mean standard?"""
                .formatted(file));
  }

  @Test
  void overridesWinOverTheFileAndTheFileOverTheReference() throws Exception {
    Path file = folder.resolve("a.conf");
    Files.writeString(file, "window { look-back = 48, stride = 3 }");

    var window =
        Settings.load(file, List.of("window.stride=5", "name=plant/a=b"))
            .read(
                root ->
                    root.section(
                        "window",
                        w ->
                            List.of(
                                w.intAtLeast("look-back", 1),
                                w.intAtLeast("horizon", 0),
                                w.intAtLeast("stride", 1))));

    assertThat(window).containsExactly(48, 24, 5);
  }

  @Test
  void overrideWithoutEqualsIsRefused() {
    assertThatThrownBy(() -> Settings.parse("", "window.stride"))
        .isInstanceOf(InvalidConfigException.class)
        .hasMessageContaining("--set window.stride: must have the form key=value");
  }

  @Test
  void absentFileIsNamed() {
    Path absent = folder.resolve("none.conf");

    assertThatThrownBy(() -> Settings.load(absent, List.of()))
        .isInstanceOf(InvalidConfigException.class)
        .hasMessageContaining("none.conf: cannot be read; give an existing file to --config");
  }

  @Test
  void secretsAreMaskedWhereSettingsAreShown() {
    String shown = Settings.parse("source.options { password = hunter2, sep = \";\" }").render();

    assertThat(shown).contains("(masked)").doesNotContain("hunter2").contains(";");
  }

  @Test
  void secretsAreMaskedInNestedKeysAndInUris() {
    String shown =
        Settings.parse(
                """
                source.options { fs.s3a.secret.key = hunter2, url = "jdbc:x://h/db?password=hunter2&ssl=on" }
                source.path = "abfs://me:hunter2@account/raw"
                """)
            .render();

    assertThat(shown)
        .doesNotContain("hunter2")
        .contains("abfs://(masked)@account/raw", "?password=(masked)&ssl=on");
  }

  @Test
  void tokensOfATextAreNoSecret() {
    String shown =
        Settings.parse(
                "text { tokens = word, max-tokens = 400 }, source.options { token = hunter2, tokens = hunter2 }")
            .render();

    assertThat(shown).contains("word", "400", "(masked)").doesNotContain("hunter2");
  }

  @Test
  void explainsEachSettingWithItsOrigin() throws Exception {
    Path file = folder.resolve("a.conf");
    Files.writeString(file, "window {\n  look-back = 48\n}\nsource.options.password = hunter2");

    Settings settings = Settings.load(file, List.of("window.stride=5"));

    assertThat(settings.explain(List.of("window")).lines())
        .hasSize(3)
        .anyMatch(line -> line.matches("window.horizon = 24 +# conf/reference.conf: \\d+"))
        .anyMatch(line -> line.matches("window.look-back = 48 +# " + file + ": 2"))
        .anyMatch(line -> line.matches("window.stride = 5 +# --set window.stride=5: 1"));
    assertThat(settings.explain(List.of("source"))).contains("(masked)").doesNotContain("hunter2");
    assertThat(settings.explainSet(List.of("window", "source")).lines())
        .satisfiesExactly(
            line -> assertThat(line).startsWith("source.options.password = "),
            line -> assertThat(line).startsWith("window.look-back = 48 "),
            line -> assertThat(line).startsWith("window.stride = 5 "));
  }

  @Test
  void rulesAcrossKeysWaitForSoundValues() {
    assertThatThrownBy(
            () ->
                Settings.parse("window { look-back = 0, stride = 9 }")
                    .read(
                        root ->
                            root.section(
                                "window",
                                w -> {
                                  int lookBack = w.intAtLeast("look-back", 1);
                                  int stride = w.intAtLeast("stride", 1);
                                  w.check(stride <= lookBack, "stride", "must not pass look-back");
                                  return null;
                                })))
        .hasMessageContaining("1 problem(s)");
  }

  private enum Method {
    STANDARD,
    MIN_MAX
  }

  private static Object readSome(ConfigReader root) {
    root.section(
        "window",
        w -> {
          w.intAtLeast("look-back", 1);
          w.intAtLeast("horizon", 0);
          return w.intAtLeast("stride", 1);
        });
    return root.section("scaling", s -> s.choice("method", Method.class));
  }

  @Test
  void tellsWhichKeysARecordIsReadFrom() {
    assertThat(
            Settings.parse("window.stride = none")
                .keysReadBy(
                    root ->
                        root.section(
                            "window",
                            s -> s.intAtLeast("stride", 1) + (s.isSet("look-back") ? 1 : 0))))
        .containsExactly("window.look-back", "window.stride");
    assertThat(Settings.knownKeys())
        .contains("name", "source.path", "source.options", "source.columns.time")
        .doesNotContain("source", "source.columns");
  }
}
