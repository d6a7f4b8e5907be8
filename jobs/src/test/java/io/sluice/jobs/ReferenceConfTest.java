package io.sluice.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.config.ConfigReader;
import io.sluice.config.Settings;
import java.util.List;
import java.util.TreeSet;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/** {@code conf/reference.conf} and the records that are read from it name the same settings. */
class ReferenceConfTest {
  /** Settings under which keys are read that others make meaningless. */
  private static final List<String> VARIANTS =
      List.of(
          "",
          "source { layout = long }, target { type = event, events-path = e }",
          "target { type = remaining-life, events-path = e, remaining-at-end-path = r }",
          "target { type = class, label = l }",
          "dataset.layout = documents",
          "dataset.layout = stream");

  /** Only other settings refer to it. */
  private static final String THROUGH_SUBSTITUTION = "lake.root";

  private static TreeSet<String> keysRead() {
    var keys = new TreeSet<String>();
    JobsTest.jobs().forEach(job -> keys.addAll(keysRead(job.reader()::apply)));
    return keys;
  }

  private static TreeSet<String> keysRead(Consumer<ConfigReader> reader) {
    var keys = new TreeSet<String>();
    VARIANTS.forEach(hocon -> keys.addAll(Settings.parse(hocon).keysReadBy(reader)));
    return keys;
  }

  @Test
  void everyKeyOfReferenceConfIsRead() {
    var keys = keysRead();
    keys.add(THROUGH_SUBSTITUTION);

    assertThat(keys).containsAll(Settings.knownKeys());
  }

  @Test
  void everyKeyThatIsReadIsInReferenceConf() {
    assertThat(Settings.knownKeys()).containsAll(keysRead());
  }
}
