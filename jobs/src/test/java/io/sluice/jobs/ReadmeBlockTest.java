package io.sluice.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

class ReadmeBlockTest {
  private static final String PAGE =
      """
      <!-- tested -->
      ```sh
      first
      ```
      ```
      no commands
      ```
      <!-- tested -->

      ```bash
      the mark is not right above
      ```
      <!-- tested by .ci/run -->
      ```sh
      third
      ```
      <!-- tested with nothing -->
      ```console
      fourth
      ```
      """;

  @Test
  void findsBlocksOfCommandsAndTheirMarks() {
    assertThat(ReadmeBlock.of("a.md", PAGE))
        .containsExactly(
            new ReadmeBlock("a.md", 2, "<!-- tested -->", "first\n"),
            new ReadmeBlock("a.md", 10, "", "the mark is not right above\n"),
            new ReadmeBlock("a.md", 14, ReadmeBlock.BY_CI, "third\n"),
            new ReadmeBlock("a.md", 18, "", "fourth\n"));
    assertThat(ReadmeBlock.of("a.md", PAGE))
        .extracting(ReadmeBlock::runs)
        .containsExactly(true, false, false, false);
  }

  @Test
  void settingsOfTheMarkGoToEveryScriptBeforeSparksOptions() {
    List<ReadmeBlock> blocks =
        ReadmeBlock.of(
            "a.md",
            """
            <!-- tested reading ett/a.csv with b.c=[8] d=null -->
            ```sh
            export A=b
            submit-scripts/train.sh --config a.conf \\
              -- --executor-cores 1
            submit-scripts/score.sh
            ```
            """);

    assertThat(blocks)
        .singleElement()
        .extracting(ReadmeBlock::data)
        .hasToString("Optional[ett/a.csv]");
    assertThat(blocks.get(0).script(Path.of("/a lake")))
        .isEqualTo(
            """
            #!/usr/bin/env bash
            set -euo pipefail
            export A=b
            submit-scripts/train.sh --config a.conf --set 'lake.root="/a lake"' --set 'b.c=[8]' --set 'd=null' -- --executor-cores 1
            submit-scripts/score.sh --set 'lake.root="/a lake"' --set 'b.c=[8]' --set 'd=null'
            """);
  }
}
