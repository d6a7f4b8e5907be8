package io.sluice.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class ProvenanceTest {
  @Test
  void runIdsAreUniqueAndSortByStart() throws Exception {
    Settings settings = Settings.parse("");

    Provenance first = Provenance.start(settings);
    Thread.sleep(2);
    Provenance second = Provenance.start(settings);

    assertThat(first.runId()).isLessThan(second.runId()).matches("\\d{8}T\\d{9}Z-[0-9a-f]{12}");
    assertThat(IntStream.range(0, 200).mapToObj(i -> Provenance.start(settings).runId()).toList())
        .doesNotHaveDuplicates();
  }

  @Test
  void hashFollowsTheSettingsAndNotTheirSpelling() {
    String hash = Provenance.start(Settings.parse("window.stride = 3")).configHash();

    assertThat(hash).matches("[0-9a-f]{64}");
    assertThat(Provenance.start(Settings.parse("window { stride = 3 }")).configHash())
        .isEqualTo(hash);
    assertThat(Provenance.start(Settings.parse("", "window.stride=3")).configHash())
        .isEqualTo(hash);
    assertThat(Provenance.start(Settings.parse("window.stride = 4")).configHash())
        .isNotEqualTo(hash);
  }

  @Test
  void hashIsBlindToSecrets() {
    assertThat(Provenance.start(Settings.parse("source.options.password = a")).configHash())
        .isEqualTo(Provenance.start(Settings.parse("source.options.password = b")).configHash());
  }

  @Test
  void codeVersionStartsWithTheVersionOfTheProject() {
    assertThat(Provenance.currentCodeVersion())
        .matches("\\d+\\.\\d+\\.\\d+(-SNAPSHOT)?(\\+[0-9a-f]{12}(-dirty)?)?");
  }
}
