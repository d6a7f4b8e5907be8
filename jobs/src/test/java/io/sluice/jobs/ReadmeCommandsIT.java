package io.sluice.jobs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/**
 * Runs the README's commands: every fenced {@code sh} block right below a line {@code <!-- tested
 * -->}, in order, in the project's root, with {@code bash -euo pipefail}. Blocks share one lake,
 * {@code $SLUICE_LAKE}, outside the source tree.
 */
class ReadmeCommandsIT {
  private static final Pattern BLOCK =
      Pattern.compile("(?m)^<!-- tested -->\\R```sh\\R(?<commands>(?s:.*?))^```");

  @TestFactory
  List<DynamicTest> commandsOfTheReadmeWork() throws Exception {
    Path readme = Script.ROOT.resolve("README.md");
    assumeTrue(Files.exists(readme), "there is no README.md: no command was run");
    List<String> blocks = blocks(Files.readString(readme));
    assertThat(blocks).as("blocks below <!-- tested --> in README.md").isNotEmpty();

    Path folder = SmallPlant.folder("readme");
    var tests = new ArrayList<DynamicTest>();
    for (String block : blocks) {
      tests.add(
          DynamicTest.dynamicTest(block.lines().findFirst().orElse(""), () -> run(block, folder)));
    }
    return tests;
  }

  @Test
  void findsMarkedBlocksOnly() {
    String readme =
        """
        ```sh
        not this
        ```
        <!-- tested -->
        ```sh
        first --a \\
          --b
        ```
        <!-- tested -->

        ```sh
        not this either: the mark is not right above
        ```
        <!-- tested -->
        ```sh
        second
        ```
        """;

    assertThat(blocks(readme)).containsExactly("first --a \\\n  --b\n", "second\n");
  }

  private static List<String> blocks(String markdown) {
    return BLOCK.matcher(markdown).results().map(ReadmeCommandsIT::commands).toList();
  }

  private static String commands(MatchResult match) {
    return match.group(1);
  }

  private static void run(String block, Path folder) throws Exception {
    Path script = Files.createTempFile(folder, "commands", ".sh");
    Files.writeString(script, "#!/usr/bin/env bash\nset -euo pipefail\n" + block);
    assertThat(script.toFile().setExecutable(true)).isTrue();

    Script.at(script).env("SLUICE_LAKE", folder.resolve("lake").toString()).run().requireStatus(0);
  }
}
