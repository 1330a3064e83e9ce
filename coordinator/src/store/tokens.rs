//! Tokens: who may come, and as what.
//!
//! A token is 256 random bits. Only its hash is stored, so the database gives none away; it is told once, when it is made.

use super::cells::named;
use super::database::{Row, args};
use super::error::{Error, Result};
use super::{Store, statements as sql};
use ring::rand::{SecureRandom, SystemRandom};

/// What a token allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Everything that a user may do.
    Admin,
    /// To lease, to report; nothing else.
    Worker,
    /// To look.
    Viewer,
}

impl Role {
    /// All, with the word that stands in SQL and on the command line.
    pub const ALL: [(Role, &'static str); 3] =
        [(Role::Admin, "admin"), (Role::Worker, "worker"), (Role::Viewer, "viewer")];

    /// The word.
    pub fn word(self) -> &'static str {
        super::cells::word(&Role::ALL, self)
    }
}

/// A token, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Its name.
    pub name: String,
    /// What it allows.
    pub role: Role,
    /// When it was made.
    pub created_at_ms: i64,
    /// When it ends; `None`: never.
    pub expires_at_ms: Option<i64>,
    /// When it was revoked.
    pub revoked_at_ms: Option<i64>,
}

impl Token {
    /// Whether it is of use at `now_ms`.
    pub fn holds(&self, now_ms: i64) -> bool {
        self.revoked_at_ms.is_none() && self.expires_at_ms.is_none_or(|end| now_ms < end)
    }
}

impl Store {
    /// Makes a token; its 64 hex digits.
    ///
    /// # Errors
    /// [`Error::TokenName`], [`Error::TokenTaken`].
    pub async fn create_token(
        &self,
        name: &str,
        role: Role,
        expires_at_ms: Option<i64>,
        now_ms: i64,
    ) -> Result<String> {
        if name.is_empty() || name.len() > 100 || name.chars().any(char::is_control) {
            return Err(Error::TokenName(name.to_owned()));
        }
        let token = secret(32);
        let mut transaction = self.database.write().await?;
        let row = args![hash(&token).to_hex().to_string(), name, role.word(), now_ms, expires_at_ms];
        if transaction.execute(sql::ADD_TOKEN, row).await? != 1 {
            return Err(Error::TokenTaken(name.to_owned()));
        }
        transaction.commit().await?;
        Ok(token)
    }

    /// Takes a token that was made elsewhere; the name that it gets, or `None` where it is known, also where it was
    /// revoked.
    ///
    /// # Errors
    /// [`Error::TokenTaken`]; what the database says.
    pub async fn adopt_token(&self, secret: &str, role: Role, now_ms: i64) -> Result<Option<String>> {
        if self.token(secret).await?.is_some() {
            return Ok(None);
        }
        let hash = hash(secret).to_hex().to_string();
        let name = format!("{}-{}", role.word(), &hash[..8]);
        let mut transaction = self.database.write().await?;
        let row = args![hash, name.as_str(), role.word(), now_ms, None::<i64>];
        if transaction.execute(sql::ADD_TOKEN, row).await? != 1 {
            return Err(Error::TokenTaken(name));
        }
        transaction.commit().await?;
        Ok(Some(name))
    }

    /// The token that this secret is, revoked and expired ones included.
    ///
    /// # Errors
    /// What the database says.
    pub async fn token(&self, secret: &str) -> Result<Option<Token>> {
        let wanted = hash(secret);
        let found = self.database.read().await?.row(sql::TOKEN, args![wanted.to_hex().to_string()]).await?;
        let Some((stored, token)) = found.map(token).transpose()? else { return Ok(None) };
        // The index compares hashes, which tell nothing of the secret; this comparison takes the same time for all.
        Ok((blake3::Hash::from_hex(stored).is_ok_and(|stored| stored == wanted)).then_some(token))
    }

    /// The token of this hash ([`token_hash`]).
    ///
    /// # Errors
    /// What the database says.
    pub async fn token_of(&self, hash: &str) -> Result<Option<Token>> {
        let found = self.database.read().await?.row(sql::TOKEN, args![hash]).await?;
        Ok(found.map(token).transpose()?.map(|(_, token)| token))
    }

    /// Every token, latest first.
    ///
    /// # Errors
    /// What the database says.
    pub async fn tokens(&self) -> Result<Vec<Token>> {
        let rows = self.database.read().await?.rows(sql::TOKENS, &[]).await?;
        rows.into_iter().map(|row| Ok(token(row)?.1)).collect()
    }

    /// Ends the token of this name for good. False if there is none.
    ///
    /// # Errors
    /// What the database says.
    pub async fn revoke_token(&self, name: &str, now_ms: i64) -> Result<bool> {
        let mut transaction = self.database.write().await?;
        let revoked = transaction.execute(sql::REVOKE_TOKEN, args![name, now_ms]).await? == 1;
        transaction.commit().await?;
        Ok(revoked)
    }
}

/// The hash and the token of a row.
fn token(mut row: Row) -> Result<(String, Token)> {
    let hash = row.text()?;
    let token = Token {
        name: row.text()?,
        role: named(&Role::ALL, &row.text()?)?,
        created_at_ms: row.int()?,
        expires_at_ms: row.maybe_int()?,
        revoked_at_ms: row.maybe_int()?,
    };
    Ok((hash, token))
}

/// What is stored of a token, in hex.
pub fn token_hash(secret: &str) -> String {
    hash(secret).to_hex().to_string()
}

fn hash(secret: &str) -> blake3::Hash {
    blake3::hash(secret.as_bytes())
}

/// This many random bytes of the system, in hex.
pub fn secret(bytes: usize) -> String {
    let mut random = vec![0; bytes];
    SystemRandom::new().fill(&mut random).expect("the system has random numbers");
    random.iter().map(|byte| format!("{byte:02x}")).collect()
}
