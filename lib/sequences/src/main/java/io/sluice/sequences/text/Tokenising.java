package io.sluice.sequences.text;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.ibm.icu.lang.UCharacter;
import com.ibm.icu.lang.UProperty;
import com.ibm.icu.text.Normalizer2;
import io.sluice.sequences.source.SourceFiles;
import io.sluice.sequences.text.TextSettings.InvalidUtf8;
import io.sluice.sequences.text.encoding.Tokenisation;
import io.sluice.sequences.text.encoding.Tokeniser;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Iterator;
import java.util.List;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.function.MapPartitionsFunction;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.util.TaskCompletionListener;

/**
 * Rows of a source to tokenised documents, in the order in which Spark reads a file.
 *
 * <p>In: {@code source file block malformed text id label}, the text as bytes. Out: {@link
 * #SCHEMA}. Rows of one file and block are numbered in chunks of at most {@value #CHUNK_ROWS}:
 * numbers within a chunk are known here, where chunks begin is added up on the driver.
 *
 * @param readsBytes texts have the bytes of their file; else U+FFFD stands for what was not UTF-8
 * @param roots by source: the folder that names of files are relative to
 * @param names of the text, id and label columns, for the rejects table; null where there is none
 */
record Tokenising(
    Tokenisation tokenisation,
    String tokenizerJson,
    boolean needsTokens,
    boolean isLabelled,
    InvalidUtf8 invalidUtf8,
    boolean readsBytes,
    List<String> roots,
    List<String> names)
    implements MapPartitionsFunction<Row, Row> {

  /** Ends each token but the last in column tokens: cleaning leaves no control character. */
  static final char SEPARATOR = '\u001f';

  private static final int CHUNK_ROWS = 8192;
  private static final char REPLACEMENT = '\ufffd';

  /**
   * source: 0 main, 1 validation, 2 test; file: below its root; uri: of the file; (source, file,
   * block, chunk): where the row was read, at: its number there; reason: why it cannot be used, and
   * row: as JSON, else null; tokens: joined; count: of them; characters: of the clean text; before:
   * tokens of the chunk before it; replaced: bytes were not UTF-8; exact, normalised: hashes, two
   * each.
   */
  static final StructType SCHEMA =
      new StructType()
          .add("source", DataTypes.IntegerType)
          .add("file", DataTypes.StringType)
          .add("uri", DataTypes.StringType)
          .add("block", DataTypes.LongType)
          .add("chunk", DataTypes.IntegerType)
          .add("at", DataTypes.IntegerType)
          .add("id", DataTypes.StringType)
          .add("label", DataTypes.StringType)
          .add("reason", DataTypes.StringType)
          .add("row", DataTypes.StringType)
          .add("tokens", DataTypes.StringType)
          .add("count", DataTypes.IntegerType)
          .add("characters", DataTypes.IntegerType)
          .add("before", DataTypes.LongType)
          .add("replaced", DataTypes.BooleanType)
          .add("exact1", DataTypes.LongType)
          .add("exact2", DataTypes.LongType)
          .add("normal1", DataTypes.LongType)
          .add("normal2", DataTypes.LongType);

  @Override
  public Iterator<Row> call(Iterator<Row> rows) {
    return new Documents(rows);
  }

  private final class Documents implements Iterator<Row> {
    private final Iterator<Row> rows;
    private final Tokeniser tokeniser = Tokeniser.of(tokenisation, tokenizerJson);
    private final MessageDigest sha256 = sha256();
    private final Normalizer2 caseFold = Normalizer2.getNFKCCasefoldInstance();
    private final StringBuilder joined = new StringBuilder();
    private int source = -1;
    private String uri;
    private String file;
    private long block;
    private int chunk;
    private int at;
    private long tokensBefore;
    private int count;

    Documents(Iterator<Row> rows) {
      this.rows = rows;
      TaskContext.get()
          .addTaskCompletionListener((TaskCompletionListener) task -> tokeniser.close());
    }

    @Override
    public boolean hasNext() {
      return rows.hasNext();
    }

    @Override
    public Row next() {
      Row in = rows.next();
      place(in.getInt(0), in.getString(1), in.getLong(2));
      String malformed = in.getString(3);
      byte[] bytes = in.getAs(4);
      String text = bytes == null ? null : new String(bytes, StandardCharsets.UTF_8);
      String id = in.getString(5);
      String label = in.getString(6);
      TextReject reason = reason(malformed, text, id, label);
      boolean replaced = reason == null && hasReplaced(text, bytes);
      if (replaced && invalidUtf8 == InvalidUtf8.REJECT) {
        reason = TextReject.TEXT_NOT_UTF8;
        replaced = false;
      }
      String clean = reason == null ? tokeniser.clean(text) : null;
      joined.setLength(0);
      count = 0;
      if (reason == null) {
        tokeniser.ofClean(clean, this::take);
        if (count == 0 && needsTokens) {
          reason = TextReject.TEXT_EMPTY;
        }
      }
      long before = tokensBefore;
      tokensBefore += count;
      ByteBuffer exact = reason == null ? hash(text) : null;
      ByteBuffer normal = reason == null ? hash(letters(clean)) : null;
      return RowFactory.create(
          source,
          file,
          uri,
          block,
          chunk,
          at,
          id,
          label == null ? null : label.strip(),
          reason == null ? null : reason.label(),
          reason == null ? null : json(malformed, text, id, label),
          reason == null ? joined.toString() : null,
          count,
          reason == null ? tokeniser.characters(clean) : 0,
          before,
          replaced,
          exact == null ? null : exact.getLong(0),
          exact == null ? null : exact.getLong(8),
          normal == null ? null : normal.getLong(0),
          normal == null ? null : normal.getLong(8));
    }

    /** A U+FFFD stands in few texts: their bytes alone are looked at once more. */
    private boolean hasReplaced(String text, byte[] bytes) {
      return text.indexOf(REPLACEMENT) >= 0 && !(readsBytes && isUtf8(bytes));
    }

    private void take(String token) {
      if (count++ > 0) {
        joined.append(SEPARATOR);
      }
      joined.append(token);
    }

    private void place(int newSource, String newUri, long newBlock) {
      if (newSource != source || newBlock != block || !newUri.equals(uri)) {
        source = newSource;
        uri = newUri;
        file = uri.isEmpty() ? "" : SourceFiles.below(roots.get(source), uri);
        block = newBlock;
        chunk = 0;
        at = 0;
        tokensBefore = 0;
      } else if (++at == CHUNK_ROWS) {
        chunk++;
        at = 0;
        tokensBefore = 0;
      }
    }

    private TextReject reason(String malformed, String text, String id, String label) {
      if (malformed != null) {
        return TextReject.MALFORMED_ROW;
      }
      if (text == null) {
        return TextReject.TEXT_MISSING;
      }
      if (names.get(1) != null && (id == null || id.isBlank())) {
        return TextReject.ID_MISSING;
      }
      return isLabelled && (label == null || label.isBlank()) ? TextReject.LABEL_MISSING : null;
    }

    private String json(String malformed, String text, String id, String label) {
      ObjectNode row = JSON.createObjectNode();
      String[] values = {text, id, label};
      for (int i = 0; i < values.length; i++) {
        if (names.get(i) != null && values[i] != null) {
          row.put(names.get(i), values[i]);
        }
      }
      if (malformed != null) {
        row.put("malformed_row", malformed);
      }
      return row.toString();
    }

    /** Letters, digits and marks in one case and width; whatever lies between is one blank. */
    private String letters(String clean) {
      String folded = caseFold.normalize(clean);
      var letters = new StringBuilder(folded.length());
      boolean gap = false;
      for (int i = 0; i < folded.length(); ) {
        int c = folded.codePointAt(i);
        if (c < 128 ? Character.isLetterOrDigit(c) : isLetter(c)) {
          if (gap && letters.length() > 0) {
            letters.append(' ');
          }
          letters.appendCodePoint(c);
          gap = false;
        } else {
          gap = true;
        }
        i += Character.charCount(c);
      }
      // of emoji or punctuation alone: itself, or all of those would be one text
      return letters.length() == 0 ? folded.strip() : letters.toString();
    }

    private static boolean isLetter(int c) {
      return UCharacter.isLetterOrDigit(c) || UCharacter.hasBinaryProperty(c, UProperty.ALPHABETIC);
    }

    private ByteBuffer hash(String text) {
      return ByteBuffer.wrap(sha256.digest(text.getBytes(StandardCharsets.UTF_8)));
    }
  }

  private static final ObjectMapper JSON = new ObjectMapper();

  private static boolean isUtf8(byte[] bytes) {
    try {
      StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes));
      return true;
    } catch (CharacterCodingException e) {
      return false;
    }
  }

  static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }
}
