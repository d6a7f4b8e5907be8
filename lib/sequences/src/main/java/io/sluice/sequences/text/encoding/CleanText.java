package io.sluice.sequences.text.encoding;

import com.ibm.icu.lang.UCharacter;
import com.ibm.icu.text.CaseMap;
import com.ibm.icu.text.Normalizer2;
import java.util.Locale;
import org.jsoup.Jsoup;
import org.jsoup.nodes.Element;
import org.jsoup.nodes.Node;
import org.jsoup.nodes.TextNode;
import org.jsoup.select.NodeVisitor;

/** A text without markup and control characters, in one Unicode form and case. */
final class CleanText {
  private final Tokenisation tokenisation;
  private final Normalizer2 normalizer;

  CleanText(Tokenisation tokenisation) {
    this.tokenisation = tokenisation;
    this.normalizer =
        switch (tokenisation.unicode()) {
          case NONE -> null;
          case NFC -> Normalizer2.getNFCInstance();
          case NFKC -> Normalizer2.getNFKCInstance();
        };
  }

  String of(String text) {
    String clean = tokenisation.html() ? withoutHtml(text) : text;
    clean = withoutControls(clean);
    if (normalizer != null && normalizer.spanQuickCheckYes(clean) < clean.length()) {
      clean = normalizer.normalize(clean);
    }
    return tokenisation.lowercase() ? lowerCase(clean) : clean;
  }

  private static String lowerCase(String text) {
    // five times as fast, and of these letters the JDK thinks as ICU does, whatever its version
    return isAscii(text)
        ? text.toLowerCase(Locale.ROOT)
        : CaseMap.toLower().apply(Locale.ROOT, text);
  }

  private static boolean isAscii(String text) {
    for (int i = 0; i < text.length(); i++) {
      if (text.charAt(i) >= 128) {
        return false;
      }
    }
    return true;
  }

  /** Line breaks of the text are blanks to HTML, whether or not it has markup. */
  private static String withoutHtml(String text) {
    if (text.indexOf('<') < 0 && text.indexOf('&') < 0) {
      return text.replace('\n', ' ').replace('\r', ' ');
    }
    var lines = new Lines();
    Jsoup.parseBodyFragment(text).body().traverse(lines);
    return lines.text.toString();
  }

  /** Text with a line break for {@code <br>} and around blocks; runs of them are one. */
  private static final class Lines implements NodeVisitor {
    final StringBuilder text = new StringBuilder();

    @Override
    public void head(Node node, int depth) {
      if (node instanceof TextNode own) {
        String words = own.getWholeText();
        for (int i = 0; i < words.length(); i++) {
          char c = words.charAt(i);
          text.append(c == '\n' || c == '\r' ? ' ' : c);
        }
      } else if (breaks(node)) {
        breakLine();
      }
    }

    @Override
    public void tail(Node node, int depth) {
      if (depth > 0 && node instanceof Element element && element.isBlock()) {
        breakLine();
      }
    }

    private static boolean breaks(Node node) {
      return node instanceof Element element
          && (element.isBlock() || element.normalName().equals("br"));
    }

    private void breakLine() {
      int end = text.length();
      while (end > 0 && text.charAt(end - 1) == ' ') {
        end--;
      }
      if (end > 0 && text.charAt(end - 1) != '\n') {
        text.append('\n');
      }
    }
  }

  /** A control character is a blank; a line ends with {@code \n}, however it was written. */
  private static String withoutControls(String text) {
    int first = 0;
    while (first < text.length() && !isControl(text.charAt(first))) {
      first++;
    }
    if (first == text.length()) {
      return text;
    }
    var clean = new StringBuilder(text.length()).append(text, 0, first);
    for (int i = first; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == '\r') {
        if (i + 1 == text.length() || text.charAt(i + 1) != '\n') {
          clean.append('\n');
        }
      } else {
        clean.append(isControl(c) ? ' ' : c);
      }
    }
    return clean.toString();
  }

  // a byte order mark at the start of a file is no character of its text
  private static boolean isControl(char c) {
    return (c < ' ' && c != '\t' && c != '\n') || (c >= 0x7f && c <= 0x9f) || c == 0xfeff;
  }

  /** A blank of any script: also a no-break space. */
  static boolean isBlank(int codePoint) {
    return codePoint == ' '
        || (codePoint < 128
            ? codePoint >= '\t' && codePoint <= '\r'
            : UCharacter.isUWhiteSpace(codePoint));
  }
}
