package io.sluice.recurrent.embedding;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.failure.InvalidInputException;
import io.sluice.recurrent.head.VocabularyOutput;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Random;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.linalg.api.ndarray.INDArray;

class WordVectorsTest {
  private static final List<String> WORDS = List.of("<unk>", "the", "Straße", ". . .", "42");

  @Test
  void gloveHasNoHeaderAndWordsWithSpaces() throws IOException {
    MultiLayerNetwork network = network(3);
    INDArray before = rows(network).dup();

    WordVectors.Coverage coverage =
        read(
            network,
            """
            the 0.25 -1.5 3
            of 1 2 3
            . . . 1e-2 -2.5E+1 .5
            Straße 4 5 6
            the 9 9 9
            42 7 8 9
            """);

    assertRow(network, 1, 0.25f, -1.5f, 3);
    assertRow(network, 3, 0.01f, -25, 0.5f);
    assertRow(network, 2, 4, 5, 6);
    assertRow(network, 4, 7, 8, 9);
    assertThat(rows(network).getRow(0)).isEqualTo(before.getRow(0));
    assertThat(coverage).isEqualTo(new WordVectors.Coverage(5, 4, 6, 1, List.of("<unk>")));
    assertThat(coverage.text())
        .isEqualTo(
            "4 of 5 words (80.0 %) have a vector in 6 lines, 1 of them of a word seen before; without one: <unk>");
  }

  @Test
  void word2vecAndFastTextHaveAHeaderAndSpacesAtTheEnd() throws IOException {
    MultiLayerNetwork network = network(2);

    WordVectors.Coverage coverage =
        read(network, "\uFEFF3 2\r\n</s> 1 2 \r\nthe\t-0.5\t1 \r\n\r\n42 1 2");

    assertRow(network, 1, -0.5f, 1);
    assertRow(network, 4, 1, 2);
    assertThat(coverage)
        .isEqualTo(new WordVectors.Coverage(5, 2, 3, 0, List.of("<unk>", "Straße", ". . .")));
  }

  @ParameterizedTest
  @CsvSource({
    "'3 4\nthe 1 2 3', 1, 4",
    "'the 1 2', 1, 2",
    "'the 1 2 3\nof 1 2 3 4', 2, 4",
    "'the 1 2 3\nof', 2, 0",
    "'the 1 2 3\n\nof 1 2', 3, 2"
  })
  void vectorsOfAnotherSizeAreRefused(String text, long line, int size) {
    assertThatThrownBy(() -> read(network(3), text))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(
            "Cannot read word vectors from vectors.txt: line %d says that vectors have %d numbers, the embedding's rows have 3. Set model.embedding-size = %d, or take vectors of 3 numbers.",
            line, size, Math.max(1, size));
  }

  @ParameterizedTest
  @CsvSource({"nan", "inf", "1e99", "1f", "x", "1.2.3", "--1", "1e", "-"})
  void whatIsNoFiniteNumberIsRefused(String number) {
    assertThatThrownBy(() -> read(network(3), "the 1 " + number + " 3"))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(
            "Cannot read word vectors from vectors.txt: number 2 of word 'the' in line 1 is %s, must be a finite number. Correct the line, or delete it: the word then begins without a vector.",
            number);
  }

  @Test
  void wordsAndNetworksThatDoNotFitAreRefused() {
    InputStream empty = new ByteArrayInputStream(new byte[0]);

    assertThatThrownBy(() -> WordVectors.read(empty, "", List.of("a", "b"), network(3)))
        .hasMessage("The vocabulary has 2 words, expected one for each row of the embedding, 5");
    assertThatThrownBy(
            () -> WordVectors.read(empty, "", List.of("a", "b", "a", "d", "e"), network(3)))
        .hasMessage("The vocabulary has the word 'a' twice, with ids 0 and 2");
  }

  @Test
  void anEmptyFileHasNoWord() throws IOException {
    assertThat(read(network(3), "").found()).isZero();
  }

  /** Longer than the buffer, in pieces of any length, with numbers of any length. */
  @Test
  void numbersAreThoseThatJavaReads() throws IOException {
    int E = 3000;
    var random = new Random(3);
    float[] expected = new float[E];
    var line = new StringBuilder("the");
    for (int j = 0; j < E; j++) {
      expected[j] = (float) (random.nextGaussian() * Math.pow(10, random.nextInt(30) - 20));
      line.append(' ');
      line.append(
          switch (random.nextInt(3)) {
            case 0 -> Float.toString(expected[j]);
            case 1 -> Double.toString(expected[j]);
            default -> new BigDecimal(expected[j]).toPlainString();
          });
    }
    byte[] bytes =
        ("other 1" + " 2".repeat(E - 1) + "\n" + line + "\n").getBytes(StandardCharsets.UTF_8);
    var slow =
        new ByteArrayInputStream(bytes) {
          @Override
          public synchronized int read(byte[] b, int off, int len) {
            return super.read(b, off, Math.min(len, 1 + random.nextInt(9999)));
          }
        };
    MultiLayerNetwork network = network(E);

    WordVectors.read(slow, "vectors.txt", WORDS, network);

    assertThat(rows(network).getRow(1).toFloatVector()).isEqualTo(expected);
  }

  private static WordVectors.Coverage read(MultiLayerNetwork network, String text)
      throws IOException {
    return WordVectors.read(
        new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8)),
        "vectors.txt",
        WORDS,
        network);
  }

  private static INDArray rows(MultiLayerNetwork network) {
    return network.getParam("0_W");
  }

  private static void assertRow(MultiLayerNetwork network, int id, float... expected) {
    assertThat(rows(network).getRow(id).toFloatVector()).isEqualTo(expected);
  }

  private static MultiLayerNetwork network(int E) {
    var network =
        new MultiLayerNetwork(
            new NeuralNetConfiguration.Builder()
                .list()
                .layer(new Embedding.Builder().nIn(WORDS.size()).nOut(E).build())
                .layer(new VocabularyOutput.Builder().nOut(2).build())
                .setInputType(InputType.recurrent(1, 4))
                .build());
    network.init();
    return network;
  }
}
