package io.sluice.recurrent.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.opentest4j.TestAbortedException;

/** What a reader of a failed build learns about reference values that are not as they should be. */
class GoldenFileTest {
  @TempDir Path folder;

  private void write(String name, String json) throws IOException {
    Files.writeString(folder.resolve(name), json);
  }

  private GoldenFile only() {
    return GoldenFile.all(folder).get(0);
  }

  @Test
  void missingFolderSaysWhatToSet() {
    Path missing = folder.resolve("reference");

    assertThatThrownBy(() -> GoldenFile.all(missing))
        .hasMessage(
            "Reference values are not at %s: set SLUICE_REFERENCE to the folder of their *.json",
            missing);
  }

  @Test
  void folderOfOtherThingsSaysWhatToSet() throws IOException {
    write("README.md", "not a case");

    assertThatThrownBy(() -> GoldenFile.all(folder))
        .hasMessage(
            "%s has no *.json: set SLUICE_REFERENCE to the folder of reference values", folder);
  }

  @Test
  void brokenFileIsNamed() throws IOException {
    write("gru-large.json", "{\n\"kind\": \"gru\",\n\"x\": [1, 2");

    assertThatThrownBy(() -> only().size("B"))
        .hasMessageStartingWith("gru-large.json is not JSON: Unexpected end-of-input")
        .hasMessageEndingWith("(line 3)");
  }

  @Test
  void unknownKindIsNamed() throws IOException {
    write("mgu-1layer.json", "{\"kind\": \"mgu\"}");

    assertThatThrownBy(() -> only().size("B"))
        .hasMessage(
            "mgu-1layer.json is of kind mgu, which no test checks; known are [attention_lstm_classifier, gru, layernorm_lstm, lstm, lstm_classifier, peephole_lstm, rnn_tanh]");
  }

  @Test
  void missingKeysAndValuesOfOtherShapesAreNamed() throws IOException {
    write(
        "gru.json",
        """
        {"kind": "gru", "B": "two",
         "x": {"shape": [2, 3], "data": [1, 2, 3, 4, 5]},
         "output": {"shape": [2], "data": [1, null]},
         "weight_ih_l0": {"shape": [3, 2], "data": [1, 2, 3, 4, 5, 6]},
         "weight_hh_l0": {"shape": [2, 1], "data": [1, 2]}}
        """);
    GoldenFile golden = only();

    assertThatThrownBy(() -> golden.size("B"))
        .hasMessage("gru.json: B must be an integer, but is \"two\"");
    assertThatThrownBy(() -> golden.size("T")).hasMessage("gru.json has no T");
    assertThatThrownBy(() -> golden.values("grad_x")).hasMessage("gru.json has no grad_x");
    assertThatThrownBy(() -> golden.values("x"))
        .hasMessage("gru.json: x has 5 values, expected those of shape [2,3]");
    assertThatThrownBy(() -> golden.values("output"))
        .hasMessage("gru.json: output[1] must be a number, but is null");
    assertThatThrownBy(() -> golden.block(new CellShape(Cell.GRU, 2, 1), "", "_l0"))
        .hasMessage("gru.json: weight_hh_l0 has 2 values, expected 3 (I=2, H=1)");
  }

  @Test
  void fileWithoutAKindIsNamed() throws IOException {
    write("old.json", "{}");

    assertThatThrownBy(() -> only().cell()).hasMessage("old.json has no kind");
  }

  @Test
  void badFileFailsItsOwnCaseAndLetsOthersRun() throws IOException {
    write("a.json", "{");
    write("b.json", "{\"kind\": \"mgu\"}");
    write("c.json", "{\"kind\": \"gru\"}");
    write("d.json", "{\"kind\": \"lstm_classifier\"}");

    assertThat(GoldenFile.layers(folder).map(GoldenFile::toString))
        .containsExactly("a.json", "b.json", "c.json");
    assertThat(GoldenFile.trajectories(folder).map(GoldenFile::toString)).containsExactly("d.json");
  }

  @Test
  void testOfWhatTheFolderLacksIsSkipped() throws IOException {
    write("gru.json", "{\"kind\": \"gru\"}");

    assertThat(GoldenFile.layers(folder)).hasSize(1);
    assertThatThrownBy(() -> GoldenFile.trajectories(folder))
        .isInstanceOf(TestAbortedException.class)
        .hasMessage("Assumption failed: %s has no training trajectories", folder);

    write("gru.json", "{\"kind\": \"lstm_classifier\"}");

    assertThat(GoldenFile.trajectories(folder)).hasSize(1);
    assertThatThrownBy(() -> GoldenFile.layers(folder))
        .isInstanceOf(TestAbortedException.class)
        .hasMessage("Assumption failed: %s has no layers", folder);
  }

  /** PyTorch's GRU adds b_ih and b_hh but for n, where the reset gate stands between them. */
  @Test
  void biasesOfAGruAreOneButForItsCandidate() throws IOException {
    write(
        "gru.json",
        """
        {"kind": "gru",
         "weight_ih_l0": [1, 2, 3], "weight_hh_l0": [4, 5, 6],
         "bias_ih_l0": [10, 20, 30], "bias_hh_l0": [1, 2, 3]}
        """);
    var shape = new CellShape(Cell.GRU, 1, 1);

    double[] block = only().block(shape, "", "_l0");
    Map<String, double[]> gradients = GoldenFile.tensors(shape, block);

    assertThat(block).containsExactly(1, 2, 3, 4, 5, 6, 11, 22, 30, 3);
    assertThat(gradients.get("bias_ih")).containsExactly(11, 22, 30);
    assertThat(gradients.get("bias_hh")).containsExactly(11, 22, 3);
  }
}
