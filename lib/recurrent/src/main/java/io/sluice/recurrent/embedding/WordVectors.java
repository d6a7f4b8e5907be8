package io.sluice.recurrent.embedding;

import io.sluice.failure.InvalidInputException;
import io.sluice.recurrent.kernel.FloatMemory;
import io.sluice.recurrent.layer.TimeMajor;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Reads word vectors from a text file into the embedding of a network: the rows of words that the
 * file has become its vectors, the others stay as they are.
 *
 * <p><b>Format.</b> What word2vec ({@code -binary 0}), GloVe and fastText ({@code .vec}) write, in
 * UTF-8: a line for each word, the word and its E numbers between spaces or tabs. The first line
 * may be a header, the number of words and E. A word may have spaces in it (GloVe's 840B has some):
 * the last E fields are the numbers. Of a word that occurs again the first line counts.
 *
 * <p><b>Cost.</b> Lines of words that are not in the vocabulary are looked up and counted, not
 * parsed; no object is made for a line.
 *
 * <p>Checked by {@code WordVectorsTest}.
 */
public final class WordVectors {
  private static final int SHOWN = 5;

  /**
   * What was found.
   *
   * @param words V of the vocabulary
   * @param found words of them that the file has
   * @param lines of the file with a word, those of other words included
   * @param duplicates lines left out because their word, one of the vocabulary, had one before
   * @param missing some of the words that the file does not have
   */
  public record Coverage(int words, int found, long lines, long duplicates, List<String> missing) {
    /** As a person reads it in a log. */
    public String text() {
      return "%,d of %,d words (%.1f %%) have a vector in %,d lines%s%s"
          .formatted(
              found,
              words,
              100.0 * found / words,
              lines,
              duplicates == 0 ? "" : ", %,d of them of a word seen before".formatted(duplicates),
              missing.isEmpty()
                  ? ""
                  : "; without one: %s%s"
                      .formatted(
                          String.join(", ", missing), words - found > missing.size() ? ", …" : ""));
    }
  }

  private final String name;
  private final List<String> words;
  private final int E;
  private final WordTable table;
  private final FloatMemory rows = new FloatMemory();
  private final float[] row;
  private final boolean[] found;
  private int foundWords;
  private long lines;
  private long duplicates;

  private WordVectors(String name, List<String> words, INDArray W) {
    this.name = name;
    this.words = words;
    this.E = Math.toIntExact(W.size(1));
    this.table = new WordTable(words);
    this.rows.at(TimeMajor.memory(W), W.length());
    this.row = new float[E];
    this.found = new boolean[words.size()];
  }

  /**
   * Writes the vectors of words into a network's rows.
   *
   * @param file read to its end, not closed
   * @param name of the file, for messages
   * @param words by id; none twice
   * @param network over words, whose lowest layer is an {@link Embedding}
   * @throws InvalidInputException if the file is not as described, or its vectors have another size
   *     than the embedding's rows; the rows may have changed then
   */
  public static Coverage read(
      InputStream file, String name, List<String> words, MultiLayerNetwork network)
      throws IOException {
    if (!(network.getLayer(0) instanceof EmbeddingLayer layer)) {
      throw new IllegalArgumentException(
          "The network has no embedding: its lowest layer is %s"
              .formatted(network.getLayer(0).conf().getLayer()));
    }
    if (layer.rows() != words.size()) {
      throw new IllegalArgumentException(
          "The vocabulary has %,d words, expected one for each row of the embedding, %,d"
              .formatted(words.size(), layer.rows()));
    }
    INDArray W = layer.getParam(EmbeddingParameters.W);
    if (W.dataType() != DataType.FLOAT) {
      throw new IllegalArgumentException(
          "The network has data type %s, must be FLOAT".formatted(W.dataType()));
    }
    return new WordVectors(name, words, W).read(file);
  }

  private Coverage read(InputStream file) throws IOException {
    var reader = new LineReader(file);
    for (long number = 1; reader.next(); number++) {
      if (number == 1 && isHeader(reader)) {
        requireSize(reader.wholeNumber(1), number);
      } else if (reader.fields() > 0) {
        lines++;
        take(reader, number);
      }
    }
    var missing = new ArrayList<String>();
    for (int id = 0; id < found.length && missing.size() < SHOWN; id++) {
      if (!found[id]) {
        missing.add(words.get(id));
      }
    }
    return new Coverage(found.length, foundWords, lines, duplicates, List.copyOf(missing));
  }

  /** Two whole numbers; with E = 1 that may be a word with its vector, which then has a point. */
  private static boolean isHeader(LineReader line) {
    return line.fields() == 2 && line.wholeNumber(0) >= 0 && line.wholeNumber(1) >= 0;
  }

  private void take(LineReader line, long number) {
    int spare = line.fields() - E;
    if (spare < 1 || spare > 1 && line.areNumbers(1, spare)) {
      requireSize(line.fields() - 1, number);
    }
    int id = table.id(line.bytes(), line.start(0), line.end(spare - 1));
    if (id < 0) {
      return;
    }
    if (found[id]) {
      duplicates++;
      return;
    }
    found[id] = true;
    foundWords++;
    for (int j = 0; j < E; j++) {
      row[j] = line.number(spare + j);
      if (!Float.isFinite(row[j])) {
        throw new InvalidInputException(
            "Cannot read word vectors from %s: number %d of word '%s' in line %,d is %s, must be a finite number. Correct the line, or delete it: the word then begins without a vector."
                .formatted(name, j + 1, words.get(id), number, line.text(spare + j)));
      }
    }
    rows.put((long) id * E, row, E);
  }

  private void requireSize(long size, long number) {
    if (size != E) {
      throw new InvalidInputException(
          "Cannot read word vectors from %s: line %,d says that vectors have %,d numbers, the embedding's rows have %,d. Set model.embedding-size = %d, or take vectors of %d numbers."
              .formatted(name, number, size, E, Math.max(1, size), E));
    }
  }

  /** A hash table from words in UTF-8 to their ids, with open addressing. */
  private static final class WordTable {
    private final byte[][] words;
    private final int[] slots;

    WordTable(List<String> vocabulary) {
      words = new byte[vocabulary.size()][];
      slots = new int[Integer.highestOneBit(Math.max(4, 2 * vocabulary.size())) * 2];
      for (int id = 0; id < words.length; id++) {
        words[id] = vocabulary.get(id).getBytes(StandardCharsets.UTF_8);
        int slot = slot(words[id], 0, words[id].length);
        if (slots[slot] != 0) {
          throw new IllegalArgumentException(
              "The vocabulary has the word '%s' twice, with ids %d and %d"
                  .formatted(vocabulary.get(id), slots[slot] - 1, id));
        }
        slots[slot] = id + 1;
      }
    }

    /** The id of bytes [from, to); −1 if they are no word of the vocabulary. */
    int id(byte[] bytes, int from, int to) {
      return slots[slot(bytes, from, to)] - 1;
    }

    /** Where a word is, or would be. */
    private int slot(byte[] bytes, int from, int to) {
      int hash = 0x811C9DC5;
      for (int k = from; k < to; k++) {
        hash = (hash ^ bytes[k]) * 0x01000193;
      }
      hash ^= hash >>> 15;
      int slot = hash & (slots.length - 1);
      while (slots[slot] != 0 && !isWord(words[slots[slot] - 1], bytes, from, to)) {
        slot = (slot + 1) & (slots.length - 1);
      }
      return slot;
    }

    private static boolean isWord(byte[] word, byte[] bytes, int from, int to) {
      return Arrays.equals(word, 0, word.length, bytes, from, to);
    }
  }
}
